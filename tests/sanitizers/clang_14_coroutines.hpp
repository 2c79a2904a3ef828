// Clang 14 looks for the standard's coroutines where they were before they were the standard's.
// Included in front of every source of the simulation, by tests/CMakeLists.txt.
#pragma once

#define __cpp_impl_coroutine 201902L
#include <coroutine>

namespace std::experimental {

using std::coroutine_handle;
using std::coroutine_traits;
using std::suspend_always;
using std::suspend_never;

}  // namespace std::experimental
