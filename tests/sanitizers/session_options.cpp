// Sessions are started without an environment: what sanitizers are told there is in the program.
// Part of it only where it is built with ET_SANITIZE. docs/sanitizers.md

extern "C" {
const char* __asan_default_options();
const char* __ubsan_default_options();
const char* __tsan_default_options();

const char* __asan_default_options() {
  return ET_SANITIZER_OPTIONS;
}
const char* __ubsan_default_options() {
  return ET_SANITIZER_OPTIONS ET_SUPPRESSIONS "ubsan.supp:print_stacktrace=1:halt_on_error=1";
}
const char* __tsan_default_options() {
  return ET_SANITIZER_OPTIONS ET_SUPPRESSIONS "tsan.supp:report_thread_leaks=0";
}
}
