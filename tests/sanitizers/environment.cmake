# Tests that are built with ET_SANITIZE: what the sanitizers are told, and a look at what they said in
# any process of a test, services and commands too. docs/sanitizers.md
set(reports ${CMAKE_BINARY_DIR}/reports)
set(suppressions ${CMAKE_CURRENT_SOURCE_DIR}/sanitizers)
set(told "log_path=${reports}/report:log_exe_name=1")
# A report of undefined behaviour ends the program as the others do. A program that knows nothing of
# sanitizers may be started with the library that journals writes, which then comes first.
# Sessions, which end without an orderly end, know by themselves that they leave a thread.
set(thread_options
  "${told}:suppressions=${suppressions}/tsan.supp:second_deadlock_stack=1:report_thread_leaks=1")
set(surroundings
  "ASAN_OPTIONS=${told}:detect_stack_use_after_return=1:verify_asan_link_order=0"
  "LSAN_OPTIONS=suppressions=${suppressions}/lsan.supp:print_suppressions=0"
  "UBSAN_OPTIONS=${told}:suppressions=${suppressions}/ubsan.supp:print_stacktrace=1:halt_on_error=1"
  "TSAN_OPTIONS=${thread_options}")

get_property(tests DIRECTORY PROPERTY TESTS)
foreach(test ${tests})
  set_property(TEST ${test} PROPERTY ENVIRONMENT ${surroundings})
  set_property(TEST ${test} APPEND PROPERTY FIXTURES_REQUIRED reports)
  get_property(limit TEST ${test} PROPERTY TIMEOUT)
  math(EXPR limit "${limit} * 6")
  set_property(TEST ${test} PROPERTY TIMEOUT ${limit})
endforeach()
add_test(NAME no_reports_yet COMMAND ${suppressions}/reports.sh begin ${reports})
add_test(NAME reports COMMAND ${suppressions}/reports.sh look ${reports})
set_tests_properties(no_reports_yet PROPERTIES FIXTURES_SETUP reports)
set_tests_properties(reports PROPERTIES FIXTURES_CLEANUP reports)
