# Tests that are built with ET_SANITIZE: what the sanitizers are told, and a look at what they said in
# any process of a test, services and commands too. docs/sanitizers.md
set(reports ${CMAKE_BINARY_DIR}/reports)
set(suppressions ${CMAKE_CURRENT_SOURCE_DIR}/sanitizers)
set(told "log_path=${reports}/report:log_exe_name=1")
# A report of undefined behaviour ends the program as the others do. A program that knows nothing of
# sanitizers may be started with the library that journals writes, which then comes first.
# Commands that a signal ends, and sessions, leave their threads: these are not looked for where they
# run. The exit code stays the program's own: reports.sh knows which reports are not ours.
set(thread_options "${told}:suppressions=${suppressions}/tsan.supp:second_deadlock_stack=1:exitcode=0")
set(surroundings
  "ASAN_OPTIONS=${told}:detect_stack_use_after_return=1:verify_asan_link_order=0"
  "LSAN_OPTIONS=suppressions=${suppressions}/lsan.supp:print_suppressions=0"
  "UBSAN_OPTIONS=${told}:suppressions=${suppressions}/ubsan.supp:print_stacktrace=1:halt_on_error=1"
  "TSAN_OPTIONS=${thread_options}:report_thread_leaks=0")

# The library that journals writes would hide from GCC's ThreadSanitizer, a library too, what calls of
# the C library order: pipes, descriptors that are used again.
if(ET_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libtsan.so.2
    OUTPUT_VARIABLE runtime OUTPUT_STRIP_TRAILING_WHITESPACE)
  list(APPEND surroundings "ET_PRELOAD_FIRST=${runtime}")
endif()

get_property(tests DIRECTORY PROPERTY TESTS)
foreach(test ${tests})
  set_property(TEST ${test} PROPERTY ENVIRONMENT ${surroundings})
  get_property(labels TEST ${test} PROPERTY LABELS)
  if(NOT labels MATCHES "blackbox|crash|browser")
    set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT "TSAN_OPTIONS=${thread_options}:report_thread_leaks=1")
  endif()
  set_property(TEST ${test} APPEND PROPERTY FIXTURES_REQUIRED reports)
  get_property(limit TEST ${test} PROPERTY TIMEOUT)
  math(EXPR limit "${limit} * 6")
  set_property(TEST ${test} PROPERTY TIMEOUT ${limit})
endforeach()
add_test(NAME no_reports_yet COMMAND ${suppressions}/reports.sh begin ${reports})
add_test(NAME reports COMMAND ${suppressions}/reports.sh look ${reports})
set_tests_properties(no_reports_yet PROPERTIES FIXTURES_SETUP reports)
set_tests_properties(reports PROPERTIES FIXTURES_CLEANUP reports)
