// For memcheck before version 3.22, which does not know the system calls openat2 and pidfd_open.
// Stands in for both, as well as that path needs it; /proc/self/exe, which is memcheck there, becomes
// ET_PROGRAM. Preloaded by valgrind.sh only.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct watch {
  pid_t child;
  int end;
};

static void* wait_for_end(void* words) {
  struct watch watched = *(struct watch*)words;
  free(words);
  siginfo_t ignored;
  waitid(P_PID, (id_t)watched.child, &ignored, WEXITED | WNOWAIT);
  (void)!write(watched.end, "", 1);
  close(watched.end);
  return NULL;
}

// A descriptor that can be read when the child has ended.
static long watch_child(pid_t child) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  struct watch* watched = malloc(sizeof *watched);
  watched->child = child;
  watched->end = ends[1];
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_for_end, watched) != 0) return -1;
  pthread_detach(thread);
  return ends[0];
}

long syscall(long number, ...) {
  long words[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; ++i) words[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_openat2) {
    const struct open_how* how = (const struct open_how*)words[2];
    return openat((int)words[0], (const char*)words[1], (int)how->flags, (mode_t)how->mode);
  }
  if (number == SYS_pidfd_open) return watch_child((pid_t)words[0]);
  long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return real(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

int posix_spawn(pid_t* child, const char* path, const posix_spawn_file_actions_t* actions,
                const posix_spawnattr_t* attributes, char* const words[], char* const variables[]) {
  int (*real)(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
              char* const[], char* const[]) =
      (int (*)(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
               char* const[], char* const[]))dlsym(RTLD_NEXT, "posix_spawn");
  const char* program = getenv("ET_PROGRAM");
  if (program && strcmp(path, "/proc/self/exe") == 0) path = program;
  return real(child, path, actions, attributes, words, variables);
}
