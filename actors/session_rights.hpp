// How a session port does work only for those who may ask for it. Part of session_port.cpp.
#pragma once

#include "actors/actor_base.hpp"
#include "actors/audit.hpp"
#include "actors/defaults.hpp"
#include "actors/metrics.hpp"
#include "actors/session_port.hpp"

namespace et {

using session_port_pointer = client_actor::stateful_pointer<session_port_state>;

// Records who did that, with what outcome (session_audit.cpp).
void record(session_port_pointer self, const audit_draft& draft, const caf::error& outcome);

/// The answer to the client's message that is being handled. Measures how long it takes, and
/// records the outcome for the audit: every command that the audit is about must be answered with
/// one.
template <class R>
class client_promise : public caf::typed_response_promise<R> {
 public:
  using base = caf::typed_response_promise<R>;

  explicit client_promise(session_port_pointer self)
      : base(self->template make_response_promise<R>()),
        self_(self),
        measures_(self->state.actors->measures) {
    auto& words = self->current_mailbox_element()->content();
    draft_ = audit_draft_of(self->state.who, words);
    if (words.template match_element<caf::atom_value>(0))
      command_ = words.template get_as<caf::atom_value>(0);
  }

  template <class T>
  void deliver(T&& answer) {
    constexpr bool failed = std::is_same_v<std::decay_t<T>, caf::error>;
    measures_->requested(to_string(command_), watch_.seconds(), failed);
    if (draft_) {
      if constexpr (failed) {
        record(self_, *draft_, answer);
      } else {
        describe(draft_->record, answer);
        record(self_, *draft_, caf::none);
      }
    }
    base::deliver(std::forward<T>(answer));
  }

 private:
  session_port_pointer self_;
  std::shared_ptr<audit_draft> draft_;  // null: never recorded
  std::shared_ptr<metrics> measures_;
  caf::atom_value command_ = caf::atom("none");
  stopwatch watch_;
};

/// Answers the message that is being handled with an error.
template <class R>
client_promise<R> refused(session_port_pointer self, caf::error why) {
  auto promise = client_promise<R>{self};
  promise.deliver(std::move(why));
  return promise;
}

/// Passes a request on and its answer back.
template <class R, class Handle, class... Ts>
void forward(session_port_pointer self, client_promise<R> promise, const Handle& whom, Ts&&... xs) {
  self->request(whom, defaults::catalogue_timeout, std::forward<Ts>(xs)...)
      .then([promise](R& answer) mutable { promise.deliver(std::move(answer)); },
            [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
}

template <class R, class Handle, class... Ts>
client_promise<R> forwarded(session_port_pointer self, const Handle& whom, Ts&&... xs) {
  auto promise = client_promise<R>{self};
  forward(self, promise, whom, std::forward<Ts>(xs)...);
  return promise;
}

inline const catalogue_reader_actor& reader(session_port_pointer self) {
  return self->state.actors->reader(self->state.session);
}

/// What somebody is told who may not use a workspace: the same whether it exists or not.
inline caf::error not_yours(session_port_pointer self, const std::string& workspace) {
  auto& who = self->state.who;
  spdlog::warn("session {}: user {} may not use workspace {}", self->state.session, who.user,
               workspace);
  return fail(errc::not_authorised,
              "user " + who.user + " is not a manager of a workspace named " + workspace);
}

/// Does `work(promise, workspace)` when the identity may use the workspace.
template <class R, class Work>
client_promise<R> in_workspace(session_port_pointer self, const std::string& workspace, Work work) {
  auto promise = client_promise<R>{self};
  if (workspace.empty()) {
    promise.deliver(fail(errc::invalid_argument, "no workspace is named"));
    return promise;
  }
  self->request(reader(self), defaults::catalogue_timeout, list_workspaces_atom_v, workspace)
      .then(
          [=](std::vector<workspace_record>& found) mutable {
            if (!self->state.may_use(found.front()))
              promise.deliver(not_yours(self, workspace));
            else
              work(promise, found.front());
          },
          [=](caf::error& error) mutable {
            if (code_of(error) == errc::not_found && !self->state.who.administrator)
              promise.deliver(not_yours(self, workspace));
            else
              promise.deliver(std::move(error));
          });
  return promise;
}

inline caf::error no_batch(batch_id batch, const std::string& workspace) {
  return fail(errc::not_found,
              "there is no batch " + std::to_string(batch.value) + " in workspace " + workspace);
}

/// Does `work(promise, batch record)` when the batch is of a workspace that the identity may use.
template <class R, class Work>
client_promise<R> in_batch(session_port_pointer self, const std::string& workspace, batch_id batch,
                           Work work) {
  return in_workspace<R>(
      self, workspace, [=](client_promise<R> promise, const workspace_record& found) mutable {
        auto id = found.id;
        self->request(reader(self), defaults::catalogue_timeout, batch_atom_v, batch)
            .then(
                [=](const batch_record& record) mutable {
                  if (record.workspace != id)
                    promise.deliver(no_batch(batch, workspace));
                  else
                    work(promise, record);
                },
                [=](caf::error& error) mutable {
                  promise.deliver(code_of(error) == errc::not_found ? no_batch(batch, workspace)
                                                                    : std::move(error));
                });
      });
}

/// One of another workspace is as good as none.
inline caf::error no_retrieval(retrieval_id id, const std::string& workspace) {
  return fail(errc::not_found,
              "there is no retrieval " + std::to_string(id.value) + " in workspace " + workspace);
}

/// Does `work(promise, record)` when the retrieval is of a workspace that the identity may use.
template <class R, class Work>
client_promise<R> in_retrieval(session_port_pointer self, const std::string& workspace,
                               retrieval_id id, Work work) {
  return in_workspace<R>(
      self, workspace, [=](client_promise<R> promise, const workspace_record& found) {
        auto of = found.id;
        self->request(reader(self), defaults::catalogue_timeout, status_atom_v, id)
            .then(
                [=](const retrieval_record& record) mutable {
                  if (record.workspace == of)
                    work(promise, record);
                  else
                    promise.deliver(no_retrieval(id, workspace));
                },
                [=](caf::error& error) mutable {
                  promise.deliver(code_of(error) == errc::not_found ? no_retrieval(id, workspace)
                                                                    : std::move(error));
                });
      });
}

/// What is only in the cache of a lost node, in words: session_status.cpp.
void add_lost_nodes(session_port_pointer self, batch_status& answer);

// Logins for the monitor: session_tokens.cpp.
caf::result<token_record> add_token(session_port_pointer self, token_record draft);
caf::result<std::vector<token_record>> list_tokens(session_port_pointer self);
caf::result<token_record> remove_token(session_port_pointer self, uint64_t id);

}  // namespace et
