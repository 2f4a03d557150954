// A directory is read as often as it takes: each time the smallest names that are greater than the
// last one visited are kept, up to a number of them, and visited in order.
#include "tools/driver/walk.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// Names kept of the outermost directory; each one below may keep half as many as the one above it.
#define BATCH_MAX ((size_t)32768)
#define BATCH_MIN ((size_t)256)

// Names in a heap with the greatest on top, until they are sorted.
struct batch {
  char **names;
  size_t num;
  size_t cap;
  size_t max;
  bool more;  // the directory has names greater than these
};

struct walk {
  const struct walk_visitor *visitor;
  char path[PATH_MAX];
  size_t path_len;
  size_t depth;
  struct {
    dev_t device;
    ino_t inode;
  } above[WALK_DEPTH_MAX];  // the directories that `path` leads through
};

static void complain(struct walk *w, enum walk_problem problem, const char *why) {
  w->visitor->problem(w->visitor->arg, problem, w->path, why);
}

static bool is_transcript(const char *name) {
  size_t len = strlen(name);
  return len > 5 && strcmp(name + len - 5, ".smtp") == 0;
}

const char *walk_judge_mode(unsigned mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return NULL;
    case S_IFDIR:
      return "it is a directory";
    case S_IFIFO:
      return "it is a named pipe, which might never end";
    case S_IFSOCK:
      return "it is a socket";
    case S_IFCHR:
    case S_IFBLK:
      return "it is a device";
    default:
      return "it is no file";
  }
}

// ---- Names ----------------------------------------------------------------------------------------

static void swap(struct batch *b, size_t i, size_t k) {
  char *name = b->names[i];
  b->names[i] = b->names[k];
  b->names[k] = name;
}

static void sift_up(struct batch *b, size_t i) {
  while (i > 0 && strcmp(b->names[(i - 1) / 2], b->names[i]) < 0) {
    swap(b, i, (i - 1) / 2);
    i = (i - 1) / 2;
  }
}

static void sift_down(struct batch *b) {
  for (size_t i = 0;;) {
    size_t child = 2 * i + 1;
    if (child + 1 < b->num && strcmp(b->names[child + 1], b->names[child]) > 0) {
      child++;
    }
    if (child >= b->num || strcmp(b->names[child], b->names[i]) <= 0) {
      return;
    }
    swap(b, i, child);
    i = child;
  }
}

static bool grow(struct batch *b) {
  size_t cap = b->cap == 0 ? 64 : b->cap * 2;
  char **names = realloc(b->names, cap * sizeof(*names));
  if (names == NULL) {
    return false;
  }
  b->names = names;
  b->cap = cap;
  return true;
}

// Keeps `name` if it is among the smallest. False without memory.
static bool keep(struct batch *b, const char *name) {
  b->more = b->more || b->num == b->max;
  if (b->num == b->max && strcmp(name, b->names[0]) >= 0) {
    return true;
  }
  char *copy = strdup(name);
  if (copy == NULL || (b->num < b->max && b->num == b->cap && !grow(b))) {
    free(copy);
    return false;
  }
  if (b->num == b->max) {
    free(b->names[0]);
    b->names[0] = copy;
    sift_down(b);
  } else {
    b->names[b->num] = copy;
    sift_up(b, b->num++);
  }
  return true;
}

static void drop_names(struct batch *b) {
  for (size_t i = 0; i < b->num; i++) {
    free(b->names[i]);
  }
  b->num = 0;
  b->more = false;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

// ---- Directories ----------------------------------------------------------------------------------

// Whether an entry may be a transcript or lead to one.
static bool matters(const struct dirent *entry) {
  if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
    return false;
  }
  return is_transcript(entry->d_name) || entry->d_type == DT_DIR || entry->d_type == DT_LNK ||
         entry->d_type == DT_UNKNOWN;
}

// Reads the smallest names greater than `last` (NULL: all are), sorted. False after telling why.
static bool read_batch(struct walk *w, struct batch *b, const char *last) {
  DIR *directory = opendir(w->path);
  bool good = directory != NULL;
  while (good) {
    errno = 0;
    const struct dirent *entry = readdir(directory);
    if (entry == NULL) {
      good = errno == 0;
      break;
    }
    if (matters(entry) && (last == NULL || strcmp(entry->d_name, last) > 0)) {
      good = keep(b, entry->d_name);
    }
  }
  if (!good) {
    complain(w, WALK_UNREADABLE, strerror(errno));
  }
  if (directory != NULL) {
    closedir(directory);
  }
  if (b->num > 0) {
    qsort(b->names, b->num, sizeof(*b->names), by_name);
  }
  return good;
}

static void visit_name(struct walk *w, const char *name);

static void visit_directory(struct walk *w) {
  size_t max = w->depth < 16 ? BATCH_MAX >> w->depth : 0;
  struct batch b = {.max = max > BATCH_MIN ? max : BATCH_MIN};
  char last[NAME_MAX + 1];
  bool good = read_batch(w, &b, NULL);
  w->depth++;
  for (;;) {
    for (size_t i = 0; i < b.num; i++) {
      visit_name(w, b.names[i]);
    }
    if (!good || !b.more || b.num == 0) {
      break;
    }
    snprintf(last, sizeof(last), "%s", b.names[b.num - 1]);
    drop_names(&b);
    good = read_batch(w, &b, last);
  }
  w->depth--;
  drop_names(&b);
  free(b.names);
}

// Goes into the directory that `path` names, unless the way there leads through it.
static void enter(struct walk *w, const struct stat *info) {
  for (size_t i = 0; i < w->depth; i++) {
    if (w->above[i].device == info->st_dev && w->above[i].inode == info->st_ino) {
      complain(w, WALK_LEFT_OUT, "a link back to a directory above it");
      return;
    }
  }
  if (w->depth == WALK_DEPTH_MAX) {
    complain(w, WALK_UNREADABLE, "more than 64 directories inside of one another");
    return;
  }
  w->above[w->depth].device = info->st_dev;
  w->above[w->depth].inode = info->st_ino;
  visit_directory(w);
}

// Judges what `path` has come to name; links that lead nowhere matter only by their names.
static void visit_path(struct walk *w, const char *name) {
  struct stat info;
  if (stat(w->path, &info) != 0) {
    if (is_transcript(name) || (errno != ENOENT && errno != ELOOP)) {
      complain(w, WALK_UNREADABLE, strerror(errno));
    } else if (errno == ELOOP) {
      complain(w, WALK_LEFT_OUT, "a link that leads back to itself");
    }
  } else if (S_ISDIR(info.st_mode)) {
    enter(w, &info);
  } else if (is_transcript(name)) {
    const char *why = walk_judge_mode(info.st_mode);
    if (why != NULL) {
      complain(w, WALK_UNREADABLE, why);
    } else {
      w->visitor->file(w->visitor->arg, w->path);
    }
  }
}

static void visit_name(struct walk *w, const char *name) {
  size_t len = w->path_len;
  bool slash = len > 0 && w->path[len - 1] == '/';
  int added = snprintf(w->path + len, sizeof(w->path) - len, "%s%s", slash ? "" : "/", name);
  if ((size_t)added >= sizeof(w->path) - len) {
    w->path[len] = '\0';
    complain(w, WALK_UNREADABLE, "the name of what is in it is too long");
    return;
  }
  w->path_len = len + (size_t)added;
  visit_path(w, name);
  w->path_len = len;
  w->path[len] = '\0';
}

void walk(const char *path, const struct walk_visitor *visitor) {
  struct walk w = {.visitor = visitor};
  struct stat info;
  if (strcmp(path, "-") == 0 || stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
    visitor->file(visitor->arg, path);
    return;
  }
  w.path_len = (size_t)snprintf(w.path, sizeof(w.path), "%s", path);
  if (w.path_len >= sizeof(w.path)) {
    visitor->problem(visitor->arg, WALK_UNREADABLE, path, "its name is too long");
    return;
  }
  enter(&w, &info);
}
