#include "actors/session_port.hpp"

#include <algorithm>

#include "actors/actor_base.hpp"
#include "actors/cluster/cluster_protocol.hpp"
#include "actors/defaults.hpp"
#include "actors/node_config.hpp"
#include "actors/retrieval_supervisor.hpp"
#include "actors/session_rights.hpp"
#include "actors/version.hpp"

namespace et {

bool session_port_state::may_use(const workspace_record& workspace) const {
  if (!who.workspace.empty() && who.workspace != workspace.name) return false;
  return who.administrator || std::find(workspace.managers.begin(), workspace.managers.end(),
                                        who.user) != workspace.managers.end();
}

namespace {

using self_pointer = session_port_pointer;

/// A put that did not begin: if it is a batch already under this name, that is the answer.
void tell_committed(self_pointer self, client_promise<upload_info> promise,
                    const std::string& request, upload_info info, const caf::error& refused) {
  if (request.empty() || code_of(refused) != errc::already_exists) {
    promise.deliver(caf::error{refused});
    return;
  }
  self->request(reader(self), defaults::catalogue_timeout, request_atom_v, self->state.who.user,
                request)
      .then(
          [=](batch_id committed) mutable {
            info.committed = committed;
            if (committed.value == 0)
              promise.deliver(caf::error{refused});
            else
              promise.deliver(info);
          },
          [=](caf::error& error) mutable { promise.deliver(std::move(error)); });
}

client_promise<upload_info> put_begin(self_pointer self, const std::string& workspace,
                                      const std::string& tag, bool only_changed,
                                      const std::string& request) {
  constexpr size_t request_bytes = 16;
  if (!request.empty() && request.size() != request_bytes)
    return refused<upload_info>(self, fail(errc::invalid_argument, "a put's name has 16 bytes"));
  if (self->state.uploads.size() >= defaults::max_uploads_per_session)
    return refused<upload_info>(self, fail(errc::limit_reached, "too many uploads in one session"));
  return in_workspace<upload_info>(
      self, workspace, [=](client_promise<upload_info> promise, const workspace_record& found) {
        auto& state = self->state;
        batch_record draft;
        draft.workspace = found.id;
        draft.workspace_name = found.name;
        draft.tag = tag;
        draft.requester = state.who.user;
        draft.uid = state.who.uid;
        draft.gid = state.who.gid;
        draft.request = request;
        upload_info info{0, found.roots, state.max_file_bytes, {}};
        self->request(state.actors->registrar, defaults::catalogue_timeout, put_begin_atom_v, draft,
                      only_changed)
            .then(
                [=](batch_id id) mutable {
                  auto& mine = self->state;
                  info.upload = mine.next_upload++;
                  mine.uploads[info.upload] = id;
                  promise.deliver(info);
                },
                [=](caf::error& error) mutable {
                  tell_committed(self, promise, request, info, error);
                });
      });
}

client_promise<retrieval_record> begin_retrieval(self_pointer self,
                                                 client_promise<retrieval_record> promise,
                                                 const workspace_record& workspace,
                                                 batch_id batch) {
  auto& state = self->state;
  retrieval_record draft;
  draft.workspace = workspace.id;
  draft.workspace_name = workspace.name;
  draft.batch = batch;
  draft.requester = state.who.user;
  self->request(state.actors->registrar, defaults::catalogue_timeout, get_begin_atom_v, draft)
      .then(
          [=](const retrieval_record& record) mutable {
            auto& mine = self->state;
            spdlog::info("session {}: retrieval {} by {} begins", mine.session, record.id.value,
                         mine.who.user);
            auto supervisor = self->spawn(retrieval_supervisor, mine.actors, record,
                                          caf::actor_cast<caf::actor_addr>(self), mine.session);
            mine.retrievals[record.id] = supervisor;
            self->send(mine.actors->retrievals, enter_atom_v, record,
                       caf::actor_cast<caf::strong_actor_ptr>(supervisor));
            promise.deliver(record);
          },
          [=](caf::error& error) mutable { promise.deliver(std::move(error)); });
  return promise;
}

client_promise<retrieval_record> get_begin(self_pointer self, const std::string& workspace,
                                           batch_id batch) {
  using promise_type = client_promise<retrieval_record>;
  if (self->state.retrievals.size() >= defaults::max_retrievals_per_session)
    return refused<retrieval_record>(
        self, fail(errc::limit_reached, "too many retrievals in one session"));
  if (batch.value == 0)
    return in_workspace<retrieval_record>(self, workspace,
                                          [=](promise_type promise, const workspace_record& found) {
                                            begin_retrieval(self, promise, found, batch);
                                          });
  return in_batch<retrieval_record>(self, workspace, batch,
                                    [=](promise_type promise, const batch_record& found) {
                                      workspace_record of;
                                      of.id = found.workspace;
                                      of.name = found.workspace_name;
                                      begin_retrieval(self, promise, of, batch);
                                    });
}

/// Passes a message on to a retrieval of this session.
template <class R, class... Ts>
caf::result<R> to_retrieval(self_pointer self, retrieval_id id, Ts&&... xs) {
  auto found = self->state.retrievals.find(id);
  if (found == self->state.retrievals.end())
    return fail(errc::not_found, "retrieval " + std::to_string(id.value) +
                                     " is not one of this session, or has ended");
  return forwarded<R>(self, found->second, std::forward<Ts>(xs)...);
}

client_promise<batch_status> status(self_pointer self, const std::string& workspace, batch_id batch,
                                    uint32_t after) {
  return in_batch<batch_status>(
      self, workspace, batch,
      [=](client_promise<batch_status> promise, const batch_record& record) {
        auto answer = std::make_shared<batch_status>();
        answer->batch = record;
        auto failed = [=](caf::error& error) mutable { promise.deliver(std::move(error)); };
        auto& all = *self->state.actors;
        auto director = all.director;
        self->request(reader(self), defaults::catalogue_timeout, aggregations_atom_v, batch, after)
            .then(
                [=](std::vector<aggregation_record>& aggregations) mutable {
                  answer->aggregations = std::move(aggregations);
                  self->request(reader(self), defaults::catalogue_timeout, lost_atom_v, batch)
                      .then(
                          [=](std::vector<file_failure>& failures) mutable {
                            answer->failures = std::move(failures);
                            self->request(director, defaults::request_timeout, status_atom_v, batch)
                                .then(
                                    [=](std::vector<std::string>& waits) mutable {
                                      answer->waits = std::move(waits);
                                      add_lost_nodes(self, *answer);
                                      promise.deliver(std::move(*answer));
                                    },
                                    failed);
                          },
                          failed);
                },
                failed);
      });
}

/// After a batch was removed or cancelled in the catalogue: ends the work on it.
void give_up(self_pointer self, client_promise<batch_record> promise, const batch_record& batch,
             bool removed) {
  self->request(self->state.actors->director, defaults::request_timeout, cancel_atom_v, batch.id,
                removed)
      .then([=](bool) mutable { promise.deliver(batch); },
            [=](caf::error&) mutable { promise.deliver(batch); });
}

client_promise<batch_record> remove(self_pointer self, const std::string& workspace,
                                    batch_id batch) {
  return in_batch<batch_record>(
      self, workspace, batch, [=](client_promise<batch_record> promise, const batch_record&) {
        spdlog::info("session {}: {} removes batch {}", self->state.session, self->state.who.user,
                     batch.value);
        self->request(self->state.actors->registrar, defaults::catalogue_timeout, remove_atom_v,
                      batch)
            .then(
                [=](const batch_record& removed) mutable { give_up(self, promise, removed, true); },
                [=](caf::error& error) mutable { promise.deliver(std::move(error)); });
      });
}

client_promise<batch_record> cancel(self_pointer self, const std::string& workspace,
                                    batch_id batch) {
  return in_batch<batch_record>(
      self, workspace, batch, [=](client_promise<batch_record> promise, const batch_record&) {
        auto& state = self->state;
        spdlog::info("session {}: {} cancels batch {}", state.session, state.who.user, batch.value);
        self->request(state.actors->registrar, defaults::catalogue_timeout, cancel_atom_v, batch,
                      state.who.user)
            .then([=](const batch_record& now) mutable { give_up(self, promise, now, false); },
                  [=](caf::error& error) mutable { promise.deliver(std::move(error)); });
      });
}

client_promise<retrieval_status> status(self_pointer self, const std::string& workspace,
                                        retrieval_id id) {
  using promise_type = client_promise<retrieval_status>;
  return in_retrieval<retrieval_status>(
      self, workspace, id, [=](promise_type promise, const retrieval_record& record) {
        retrieval_status ended;
        ended.record = record;
        if (record.state != retrieval_state::running) {
          promise.deliver(std::move(ended));
          return;
        }
        // It may end meanwhile: then the record is all there is to tell.
        self->request(self->state.actors->retrievals, defaults::request_timeout, status_atom_v, id)
            .then([=](retrieval_status& now) mutable { promise.deliver(std::move(now)); },
                  [=](const caf::error&) mutable { promise.deliver(ended); });
      });
}

client_promise<retrieval_record> cancel(self_pointer self, const std::string& workspace,
                                        retrieval_id id) {
  using promise_type = client_promise<retrieval_record>;
  return in_retrieval<retrieval_record>(
      self, workspace, id, [=](promise_type promise, const retrieval_record& record) {
        if (record.state != retrieval_state::running) {
          promise.deliver(
              fail(errc::invalid_argument, "retrieval " + std::to_string(id.value) +
                                               " has ended already: " + to_string(record.state)));
          return;
        }
        forward(self, promise, self->state.actors->retrievals, cancel_atom_v, id,
                self->state.who.user);
      });
}

client_promise<std::vector<workspace_record>> list_workspaces(self_pointer self,
                                                              const std::string& workspace) {
  using answer_type = std::vector<workspace_record>;
  if (!workspace.empty())
    return in_workspace<answer_type>(
        self, workspace, [](client_promise<answer_type> promise, const workspace_record& found) {
          promise.deliver(answer_type{found});
        });
  auto promise = client_promise<answer_type>{self};
  self->request(reader(self), defaults::catalogue_timeout, list_workspaces_atom_v, workspace)
      .then(
          [=](answer_type& all) mutable {
            std::erase_if(all, [&](const auto& one) { return !self->state.may_use(one); });
            promise.deliver(std::move(all));
          },
          [=](caf::error& error) mutable { promise.deliver(std::move(error)); });
  return promise;
}

using alerts_promise = client_promise<std::vector<alert_record>>;

/// The next alerts above a number that are for the identity.
void send_alerts(self_pointer self, alerts_promise promise,
                 const std::vector<workspace_record>& all, uint64_t after) {
  auto failed = [=](caf::error& error) mutable { promise.deliver(std::move(error)); };
  self->request(reader(self), defaults::catalogue_timeout, admin_alerts_atom_v, after)
      .then(
          [=](std::vector<alert_record>& found) mutable {
            auto last = found.empty() ? after : found.back().number;
            std::erase_if(found, [&](const alert_record& alert) {
              if (self->state.who.administrator) return false;
              return std::none_of(all.begin(), all.end(), [&](const auto& workspace) {
                return workspace.name == alert.workspace && self->state.may_use(workspace);
              });
            });
            // An empty page would say that there are no more.
            if (found.empty() && last > after)
              send_alerts(self, promise, all, last);
            else
              promise.deliver(std::move(found));
          },
          failed);
}

/// Alerts of workspaces that the identity manages; with all others for administrators.
alerts_promise alerts(self_pointer self, uint64_t after) {
  auto promise = alerts_promise{self};
  self->request(reader(self), defaults::catalogue_timeout, list_workspaces_atom_v, std::string{})
      .then(
          [=](const std::vector<workspace_record>& all) mutable {
            send_alerts(self, promise, all, after);
          },
          [=](caf::error& error) mutable { promise.deliver(std::move(error)); });
  return promise;
}

/// Passes an administrator's request on.
template <class R, class Handle, class... Ts>
caf::result<R> for_administrator(self_pointer self, const Handle& whom, Ts&&... xs) {
  auto& state = self->state;
  if (!state.who.administrator) return refused<R>(self, not_administrator(self));
  spdlog::info("session {}: administrator {} asks for {}", state.session, state.who.user,
               caf::deep_to_string(std::forward_as_tuple(xs...)));
  return forwarded<R>(self, whom, std::forward<Ts>(xs)...);
}

caf::error no_upload() {
  return fail(errc::not_found, "this upload is not open any more");
}

/// Ends an upload of this session and passes its last message on.
template <class R, class Atom>
caf::result<R> end_upload(self_pointer self, uint64_t upload, Atom atom) {
  auto& uploads = self->state.uploads;
  auto found = uploads.find(upload);
  if (found == uploads.end()) return refused<R>(self, no_upload());
  auto id = found->second;
  uploads.erase(found);
  return forwarded<R>(self, self->state.actors->registrar, atom, id);
}

template <class R>
caf::result<R> not_clustered(self_pointer self) {
  if (!self->state.who.administrator) return refused<R>(self, not_administrator(self));
  return refused<R>(self, fail(errc::unavailable, "this service is not a node of a cluster"));
}

}  // namespace

client_actor::behavior_type session_port(self_pointer self, actors_ptr actors, identity who,
                                         uint64_t session, uint64_t max_file_bytes,
                                         join_token_keeper keep_join_token) {
  guard(self);
  self->state.actors = std::move(actors);
  self->state.who = std::move(who);
  if (!self->state.who.workspace.empty()) self->state.who.administrator = false;
  self->state.session = session;
  self->state.max_file_bytes = max_file_bytes;
  self->state.keep_join_token = std::move(keep_join_token);
  auto all = self->state.actors;
  return {
      [=](hello_atom, const std::string& version) -> caf::result<session_info> {
        auto& user = self->state.who;
        if (version != std::to_string(protocol_version))
          return fail(errc::protocol, "this service speaks version " +
                                          std::to_string(protocol_version) +
                                          " of the protocol, the client another; use the same "
                                          "version of the program");
        return session_info{version_text, user.user, user.administrator};
      },
      [=](put_begin_atom, const std::string& workspace, const std::string& tag, bool only_changed,
          const std::string& request) -> caf::result<upload_info> {
        return put_begin(self, workspace, tag, only_changed, request);
      },
      [=](put_chunk_atom, uint64_t upload,
          const packed_page& page) -> caf::result<std::vector<entry_error>> {
        auto found = self->state.uploads.find(upload);
        if (found == self->state.uploads.end()) return no_upload();
        return forwarded<std::vector<entry_error>>(self, all->registrar, put_chunk_atom_v,
                                                   found->second, page);
      },
      [=](put_commit_atom, uint64_t upload) -> caf::result<batch_record> {
        return end_upload<batch_record>(self, upload, put_commit_atom_v);
      },
      [=](put_drop_atom, uint64_t upload) -> caf::result<bool> {
        return end_upload<bool>(self, upload, put_drop_atom_v);
      },
      [=](list_workspaces_atom,
          const std::string& workspace) -> caf::result<std::vector<workspace_record>> {
        return list_workspaces(self, workspace);
      },
      [=](list_batches_atom, const std::string& workspace,
          batch_id after) -> caf::result<std::vector<batch_record>> {
        using answer_type = std::vector<batch_record>;
        return in_workspace<answer_type>(
            self, workspace,
            [=](client_promise<answer_type> promise, const workspace_record& found) {
              forward(self, promise, reader(self), list_batches_atom_v, found.id, after);
            });
      },
      [=](list_files_atom, const std::string& workspace, batch_id batch,
          const std::string& after) -> caf::result<packed_page> {
        return in_batch<packed_page>(
            self, workspace, batch, [=](client_promise<packed_page> promise, const batch_record&) {
              forward(self, promise, reader(self), list_files_atom_v, batch, after);
            });
      },
      [=](find_files_atom, const std::string& workspace, batch_id only,
          const packed_page& paths) -> caf::result<packed_page> {
        return in_workspace<packed_page>(
            self, workspace,
            [=](client_promise<packed_page> promise, const workspace_record& found) {
              forward(self, promise, reader(self), find_files_atom_v, found.id, only, paths);
            });
      },
      [=](find_atom, const std::string& workspace,
          const find_query& query) -> caf::result<found_page> {
        return in_workspace<found_page>(
            self, workspace,
            [=](client_promise<found_page> promise, const workspace_record& found) {
              forward(self, promise, reader(self), find_atom_v, found.id, query);
            });
      },
      [=](cancel_atom, const std::string& workspace, batch_id batch) -> caf::result<batch_record> {
        return cancel(self, workspace, batch);
      },
      [=](cancel_atom, const std::string& workspace,
          retrieval_id id) -> caf::result<retrieval_record> { return cancel(self, workspace, id); },
      [=](remove_atom, const std::string& workspace, batch_id batch) -> caf::result<batch_record> {
        return remove(self, workspace, batch);
      },
      [=](status_atom, const std::string& workspace, batch_id batch, uint32_t after)
          -> caf::result<batch_status> { return status(self, workspace, batch, after); },
      [=](status_atom, const std::string& workspace,
          retrieval_id id) -> caf::result<retrieval_status> { return status(self, workspace, id); },
      [=](list_retrievals_atom,
          const std::string& workspace) -> caf::result<std::vector<retrieval_status>> {
        using answer_type = std::vector<retrieval_status>;
        return in_workspace<answer_type>(
            self, workspace,
            [=](client_promise<answer_type> promise, const workspace_record& found) {
              forward(self, promise, self->state.actors->retrievals, list_retrievals_atom_v,
                      found.id);
            });
      },
      [=](get_begin_atom, const std::string& workspace, batch_id batch)
          -> caf::result<retrieval_record> { return get_begin(self, workspace, batch); },
      [=](get_want_atom, retrieval_id id, const std::vector<wanted_range>& ranges, bool last) {
        return to_retrieval<bool>(self, id, get_want_atom_v, ranges, last);
      },
      [=](get_next_atom, retrieval_id id) {
        return to_retrieval<delivery>(self, id, get_next_atom_v);
      },
      [=](get_data_atom, retrieval_id id, aggregation_id aggregation, uint64_t offset_bytes,
          uint32_t length_bytes) {
        return to_retrieval<bytes>(self, id, get_data_atom_v, aggregation, offset_bytes,
                                   length_bytes);
      },
      [=](get_done_atom, retrieval_id id, const wanted_range& range) {
        return to_retrieval<bool>(self, id, get_done_atom_v, range);
      },
      [=](get_end_atom, retrieval_id id, const retrieval_outcome& outcome) {
        auto answer = to_retrieval<bool>(self, id, get_end_atom_v, outcome);
        self->state.retrievals.erase(id);
        return answer;
      },
      [=](admin_add_atom, const workspace_record& record) {
        return for_administrator<workspace_record>(self, all->registrar, admin_add_atom_v, record);
      },
      [=](admin_set_atom, const workspace_record& record) {
        return for_administrator<workspace_record>(self, all->registrar, admin_set_atom_v, record);
      },
      [=](admin_remove_atom, const std::string& workspace) {
        return for_administrator<bool>(self, all->registrar, admin_remove_atom_v, workspace);
      },
      [=](admin_inspect_atom) {
        return for_administrator<std::vector<report>>(self, all->inspector, admin_inspect_atom_v);
      },
      [=](volumes_atom, const barcode& after) {
        return for_administrator<std::vector<volume_record>>(self, all->scheduler, volumes_atom_v,
                                                             after);
      },
      [=](volume_atom, const barcode& id, volume_status status) {
        return for_administrator<volume_record>(self, all->scheduler, volume_atom_v, id, status,
                                                self->state.who.user);
      },
      [=](admin_alerts_atom, uint64_t after) -> caf::result<std::vector<alert_record>> {
        return alerts(self, after);
      },
      [=](token_add_atom, const token_record& draft) { return add_token(self, draft); },
      [=](token_list_atom) { return list_tokens(self); },
      [=](token_remove_atom, uint64_t id) { return remove_token(self, id); },
      [=](audit_atom, uint64_t after) {
        return for_administrator<std::vector<audit_record>>(self, reader(self), audit_atom_v,
                                                            after);
      },
      [=](nodes_atom) -> caf::result<std::vector<report>> {
        if (!all->membership) return not_clustered<std::vector<report>>(self);
        return for_administrator<std::vector<report>>(
            self, caf::actor_cast<membership_actor>(all->membership), nodes_atom_v);
      },
      [=](join_atom, const std::string& hash, int64_t expires_ns) {
        return add_join_token(self, hash, expires_ns);
      },
      [=](promote_atom, bool) -> caf::result<std::string> {
        if (!self->state.who.administrator)
          return refused<std::string>(self, not_administrator(self));
        return refused<std::string>(
            self, fail(errc::invalid_argument,
                       "node " + all->node + " is the head already: promote its standby there"));
      },
  };
}

}  // namespace et
