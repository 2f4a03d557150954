// The walk: every transcript once, by name, however many there are, and no way to get lost.
#include "tools/driver/walk.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANY 34000
#define NOBODY 65534

struct seen {
  char text[4096];  // "path\n" or "problem path: why\n", without the directory's own name
  size_t num;
  bool in_order;
  char last[512];
  size_t skip;  // characters of the directory's own name
};

static void file(void *arg, const char *path) {
  struct seen *s = arg;
  size_t len = strlen(s->text);
  s->num++;
  s->in_order = s->in_order && strcmp(s->last, path) < 0;
  snprintf(s->last, sizeof(s->last), "%s", path);
  snprintf(s->text + len, sizeof(s->text) - len, "%s\n", path + s->skip);
}

static void problem(void *arg, enum walk_problem kind, const char *path, const char *why) {
  struct seen *s = arg;
  size_t len = strlen(s->text);
  snprintf(s->text + len, sizeof(s->text) - len, "%s %s: %s\n",
           kind == WALK_UNREADABLE ? "unreadable" : "left out", path + s->skip, why);
}

static char directory[64];

static void make_directory(void) {
  snprintf(directory, sizeof(directory), "/tmp/ehlo-walk.XXXXXX");
  cr_assert_not_null(mkdtemp(directory));
  cr_assert_eq(chdir(directory), 0);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place) {
  (void)info;
  (void)type;
  (void)place;
  return remove(path);
}

static void remove_directory(void) {
  cr_assert_eq(chdir("/"), 0);
  nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void touch(const char *path) {
  FILE *f = fopen(path, "w");
  cr_assert_not_null(f, "%s", path);
  fclose(f);
}

static void run(struct seen *s, const char *path, size_t skip) {
  memset(s, 0, sizeof(*s));
  s->in_order = true;
  s->skip = skip;
  walk(path, &(struct walk_visitor){file, problem, s});
}

TestSuite(walk, .init = make_directory, .fini = remove_directory);

Test(walk, goes_by_name) {
  struct seen s;
  mkdir("b", 0700);
  mkdir("b/c", 0700);
  touch("b/c/1.smtp");
  touch("b/2.smtp");
  touch("a.smtp");
  touch("c.smtp");
  touch("b/.smtp");
  touch("notes.txt");
  touch("d.smtp.new");
  run(&s, directory, strlen(directory));
  cr_expect_str_eq(s.text, "/a.smtp\n/b/2.smtp\n/b/c/1.smtp\n/c.smtp\n");
  run(&s, ".", 0);
  cr_expect_str_eq(s.text, "./a.smtp\n./b/2.smtp\n./b/c/1.smtp\n./c.smtp\n");
  run(&s, "b/", 0);
  cr_expect_str_eq(s.text, "b/2.smtp\nb/c/1.smtp\n");
  run(&s, "notes.txt", 0);
  cr_expect_str_eq(s.text, "notes.txt\n");
  run(&s, "nowhere", 0);
  cr_expect_str_eq(s.text, "nowhere\n");
  run(&s, "-", 0);
  cr_expect_str_eq(s.text, "-\n");
}

Test(walk, does_not_get_lost) {
  struct seen s;
  mkdir("a", 0700);
  touch("a/1.smtp");
  cr_assert_eq(symlink("..", "a/up"), 0);
  cr_assert_eq(symlink("self", "self"), 0);
  cr_assert_eq(symlink("nowhere", "gone.smtp"), 0);
  cr_assert_eq(symlink("nowhere", "gone.txt"), 0);
  cr_assert_eq(symlink("a/1.smtp", "link.smtp"), 0);
  cr_assert_eq(symlink("a", "z"), 0);
  cr_assert_eq(mkfifo("pipe.smtp", 0600), 0);
  cr_assert_eq(symlink("/dev/zero", "zero.smtp"), 0);
  run(&s, ".", 0);
  cr_expect_str_eq(s.text,
                   "./a/1.smtp\n"
                   "left out ./a/up: a link back to a directory above it\n"
                   "unreadable ./gone.smtp: No such file or directory\n"
                   "./link.smtp\n"
                   "unreadable ./pipe.smtp: it is a named pipe, which might never end\n"
                   "left out ./self: a link that leads back to itself\n"
                   "./z/1.smtp\n"
                   "left out ./z/up: a link back to a directory above it\n"
                   "unreadable ./zero.smtp: it is a device\n");
}

Test(walk, tells_what_it_may_not_read) {
  struct seen s;
  bool root = geteuid() == 0;
  if (root) {  // who may read everything becomes somebody else
    cr_assert_eq(chmod(".", 0777), 0);
    cr_assert_eq(seteuid(NOBODY), 0);
  }
  mkdir("closed", 0700);
  touch("closed/1.smtp");
  chmod("closed", 0);
  run(&s, ".", 0);
  cr_expect_str_eq(s.text, "unreadable ./closed: Permission denied\n");
  chmod("closed", 0700);
  cr_assert_eq(root ? seteuid(0) : 0, 0);
}

Test(walk, ends_where_it_is_too_deep) {
  struct seen s;
  char path[1024] = ".";
  for (size_t i = 0; i < WALK_DEPTH_MAX + 2; i++) {
    snprintf(path + strlen(path), sizeof(path) - strlen(path), "/d");
    cr_assert_eq(mkdir(path, 0700), 0);
    if (i == WALK_DEPTH_MAX - 2) {
      char name[1100];
      snprintf(name, sizeof(name), "%s/1.smtp", path);
      touch(name);
    }
  }
  run(&s, ".", 0);
  cr_expect_eq(s.num, 1);
  cr_expect_not_null(strstr(s.text, "more than 64 directories"), "%s", s.text);
}

// More names than are kept at a time.
Test(walk, is_complete) {
  struct seen s;
  char path[64];
  for (size_t i = 0; i < MANY; i++) {
    snprintf(path, sizeof(path), "%05zu.smtp", i * 7919 % MANY);
    int fd = link("00000.smtp", path);
    if (fd != 0) {
      touch(path);
    }
  }
  run(&s, ".", 0);
  cr_expect_eq(s.num, MANY, "%zu", s.num);
  cr_expect(s.in_order);
  cr_expect_str_eq(s.last, "./33999.smtp");
}
