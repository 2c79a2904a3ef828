#include <algorithm>

#include "storage/catalogue/store_impl.hpp"

namespace et {

caf::expected<token_record> store::add_token(token_record draft, size_t at_most) {
  return writing([&]() -> caf::expected<token_record> {
    auto existing = now_.token(draft.hash);
    if (!existing) return existing.error();
    if (*existing) return fail(errc::already_exists, "this token exists already");
    auto all = view()->tokens();
    if (!all) return all.error();
    auto t = begin();
    size_t own = 0;
    for (const auto& one : *all) {
      if (one.user != draft.user) continue;
      if (one.is_expired(now_ns()))
        t.changes.erase(keys::token(one.hash));
      else
        ++own;
    }
    if (own >= at_most)
      return fail(errc::limit_reached, "user " + draft.user + " has " + std::to_string(own) +
                                           " tokens; revoke one that is not needed any more");
    draft.id = t.next.next_token++;
    draft.created_ns = now_ns();
    t.changes.put(keys::token(draft.hash), values::encode(draft));
    if (auto error = apply(t, true)) return error;
    return draft;
  });
}

caf::expected<token_record> store::remove_token(uint64_t id) {
  return writing([&]() -> caf::expected<token_record> {
    auto all = view()->tokens();
    if (!all) return all.error();
    auto found =
        std::find_if(all->begin(), all->end(), [&](const auto& one) { return one.id == id; });
    if (found == all->end())
      return fail(errc::not_found, "there is no token " + std::to_string(id));
    auto t = begin();
    t.changes.erase(keys::token(found->hash));
    if (auto error = apply(t, true)) return error;
    return *found;
  });
}

}  // namespace et
