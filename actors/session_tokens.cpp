// What a session may do with tokens. Part of the session port.
#include <algorithm>
#include <utility>

#include "actors/blocking.hpp"
#include "actors/session_rights.hpp"
#include "storage/auth/token.hpp"

namespace et {

namespace {

constexpr size_t most_label_bytes = 64;
constexpr size_t most_user_bytes = 64;
constexpr size_t most_workspace_bytes = 64;

bool is_printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

/// Why a draft cannot be taken; empty: it can.
std::string fault_of(const token_record& draft, int64_t now_ns) {
  if (draft.hash.size() != token_hash_bytes) return "its hash is not one of SHA-256";
  if (draft.tail.size() > token_tail_bytes || !is_printable(draft.tail)) return "its end is bad";
  if (draft.user.empty() || draft.user.size() > most_user_bytes || !is_printable(draft.user) ||
      draft.user.find_first_of(" :") != std::string::npos)
    return "its user is not a name";
  if (draft.workspace.size() > most_workspace_bytes || !is_printable(draft.workspace))
    return "its workspace is not a name";
  if (draft.label.size() > most_label_bytes || !is_printable(draft.label))
    return "its label is not of at most 64 printable characters";
  if (draft.expires_ns < 0 || draft.is_expired(now_ns)) return "it would be expired already";
  return {};
}

bool is_own(session_port_pointer self, const token_record& token) {
  return self->state.who.administrator || token.user == self->state.who.user;
}

/// Nobody makes of a login for one workspace another one.
caf::error bound_to_workspace(session_port_pointer self) {
  return fail(errc::not_authorised, "this session has a token for workspace " +
                                        self->state.who.workspace +
                                        " alone; tokens need a session of the user's own");
}

void store_token(session_port_pointer self, client_promise<token_record> promise,
                 const token_record& draft) {
  self->request(self->state.actors->registrar, defaults::catalogue_timeout, token_add_atom_v, draft)
      .then(
          [=](token_record& added) mutable {
            spdlog::info("session {}: {} adds token {} of {}", self->state.session,
                         self->state.who.user, added.id, added.user);
            added.hash.clear();
            promise.deliver(std::move(added));
          },
          [=](caf::error& error) mutable { promise.deliver(std::move(error)); });
}

/// Keeps one join token, and ends. Detached: the file is locked and synced.
caf::behavior join_clerk(caf::event_based_actor* self, const join_token_keeper& keep) {
  guard(self);
  return {
      [=](join_atom, const std::string& hash, int64_t expires_ns) -> caf::result<bool> {
        self->quit();
        if (auto error = keep(hash, expires_ns)) return error;
        return true;
      },
  };
}

}  // namespace

caf::error not_administrator(session_port_pointer self) {
  return fail(errc::not_authorised, "user " + self->state.who.user + " is not an administrator");
}

caf::result<bool> add_join_token(session_port_pointer self, const std::string& hash,
                                 int64_t expires_ns) {
  auto& state = self->state;
  if (!state.who.administrator) return refused<bool>(self, not_administrator(self));
  if (!state.keep_join_token)
    return refused<bool>(self,
                         fail(errc::unavailable, "this service is not the head of a cluster"));
  if (std::exchange(state.keeps_join_token, true))
    return refused<bool>(
        self, fail(errc::limit_reached, "a session adds one join token at a time; try again"));
  auto promise = client_promise<bool>{self};
  self->request(spawn_blocking(*self, join_clerk, state.keep_join_token),
                defaults::catalogue_timeout, join_atom_v, hash, expires_ns)
      .then(
          [=](bool added) mutable {
            self->state.keeps_join_token = false;
            spdlog::info("session {}: {} adds a join token", self->state.session,
                         self->state.who.user);
            promise.deliver(added);
          },
          [=](caf::error& error) mutable {
            self->state.keeps_join_token = false;
            promise.deliver(std::move(error));
          });
  return promise;
}

caf::result<token_record> add_token(session_port_pointer self, token_record draft) {
  auto& who = self->state.who;
  if (!who.workspace.empty()) return refused<token_record>(self, bound_to_workspace(self));
  if (draft.user.empty()) draft.user = who.user;
  if (!is_own(self, draft))
    return refused<token_record>(
        self, fail(errc::not_authorised, "user " + who.user +
                                             " is not an administrator and makes tokens for " +
                                             who.user + " only"));
  if (auto fault = fault_of(draft, system_clock().now_ns()); !fault.empty())
    return refused<token_record>(
        self, fail(errc::invalid_argument, "this token cannot be added: " + fault));
  if (!draft.workspace.empty())
    return in_workspace<token_record>(
        self, draft.workspace, [=](client_promise<token_record> promise, const workspace_record&) {
          store_token(self, promise, draft);
        });
  auto promise = client_promise<token_record>{self};
  store_token(self, promise, draft);
  return promise;
}

caf::result<std::vector<token_record>> list_tokens(session_port_pointer self) {
  if (!self->state.who.workspace.empty())
    return refused<std::vector<token_record>>(self, bound_to_workspace(self));
  auto promise = client_promise<std::vector<token_record>>{self};
  self->request(reader(self), defaults::catalogue_timeout, token_list_atom_v)
      .then(
          [=](std::vector<token_record>& all) mutable {
            std::erase_if(all, [&](const auto& one) { return !is_own(self, one); });
            for (auto& one : all) one.hash.clear();
            std::sort(all.begin(), all.end(),
                      [](const auto& a, const auto& b) { return a.id < b.id; });
            promise.deliver(std::move(all));
          },
          [=](caf::error& error) mutable { promise.deliver(std::move(error)); });
  return promise;
}

caf::result<token_record> remove_token(session_port_pointer self, uint64_t id) {
  if (!self->state.who.workspace.empty())
    return refused<token_record>(self, bound_to_workspace(self));
  auto promise = client_promise<token_record>{self};
  auto failed = [=](caf::error& error) mutable { promise.deliver(std::move(error)); };
  self->request(reader(self), defaults::catalogue_timeout, token_list_atom_v)
      .then(
          [=](const std::vector<token_record>& all) mutable {
            auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) {
              return one.id == id && is_own(self, one);
            });
            if (found == all.end()) {
              promise.deliver(fail(errc::not_found, "there is no token " + std::to_string(id)));
              return;
            }
            spdlog::info("session {}: {} revokes token {} of {}", self->state.session,
                         self->state.who.user, id, found->user);
            self->request(self->state.actors->registrar, defaults::catalogue_timeout,
                          token_remove_atom_v, id)
                .then(
                    [=](token_record& removed) mutable {
                      removed.hash.clear();
                      promise.deliver(std::move(removed));
                    },
                    failed);
          },
          failed);
  return promise;
}

}  // namespace et
