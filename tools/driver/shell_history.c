// See shell_history.h.
#include "tools/driver/shell_history.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// XDG Base Directory Specification: a relative path there is to be ignored.
static bool find_path(char out[PATH_MAX]) {
  const char *state = getenv("XDG_STATE_HOME");
  const char *home = getenv("HOME");
  int len = -1;
  if (state != NULL && state[0] == '/') {
    len = snprintf(out, PATH_MAX, "%s/ehlo/history", state);
  } else if (home != NULL && home[0] == '/') {
    len = snprintf(out, PATH_MAX, "%s/.local/state/ehlo/history", home);
  }
  return len > 0 && len < PATH_MAX - 16;
}

// Makes the directories that lead to `path`.
static void make_directories(char *path) {
  for (char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
    *at = '\0';
    (void)mkdir(path, 0700);
    *at = '/';
  }
}

History *shell_history_open(void) {
  HistEvent event;
  char path[PATH_MAX];
  History *h = history_init();
  if (h == NULL) {
    return NULL;
  }
  history(h, &event, H_SETSIZE, SHELL_HISTORY_MAX);
  history(h, &event, H_SETUNIQUE, 1);
  if (find_path(path)) {
    (void)history(h, &event, H_LOAD, path);
  }
  return h;
}

void shell_history_add(History *h, const char *line) {
  HistEvent event;
  history(h, &event, H_ENTER, line);
}

// Under another name first, so that a history is there whole or not at all.
static void save(History *h, const char *path) {
  HistEvent event;
  char fresh[PATH_MAX + 16];
  snprintf(fresh, sizeof(fresh), "%s.%ld", path, (long)getpid());
  mode_t mask = umask(0077);
  bool saved = history(h, &event, H_SAVE, fresh) >= 0;
  umask(mask);
  if (!saved || rename(fresh, path) != 0) {
    (void)unlink(fresh);
  }
}

void shell_history_close(History *h) {
  char path[PATH_MAX];
  if (find_path(path)) {
    make_directories(path);
    save(h, path);
  }
  history_end(h);
}
