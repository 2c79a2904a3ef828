// What differs between CAF 0.17 and 1.x, in one place. Our code is written against these names.
#pragma once

#include <caf/all.hpp>

namespace et {

/// `handles<R(A...)>` declares that a typed actor answers a message A... with R; `void` for none.
template <class Signature>
struct handles_impl;

template <class R, class... As>
struct handles_impl<R(As...)> {
  using type = typename caf::replies_to<As...>::template with<R>;
};

template <class... As>
struct handles_impl<void(As...)> {
  using type = caf::reacts_to<As...>;
};

template <class Signature>
using handles = typename handles_impl<Signature>::type;

}  // namespace et
