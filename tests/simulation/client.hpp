// A user at work: puts, looks, gets, removes, cancels, changes quotas, over a session that may end
// at any moment.
#pragma once

#include <filesystem>

#include "tests/simulation/site.hpp"
#include "tests/simulation/story.hpp"
#include "tests/simulation/truth.hpp"

namespace et::simulation {

class client {
 public:
  /// `number` is its machine's, not of the site. Users are called u0, u1 of workspaces w0, w1.
  client(world& of, wires& net, site& to, truth& known, std::filesystem::path sources,
         machine number, std::string workspace, bool administrator = false);
  ~client();

  void begin();
  /// Ends after what it is doing.
  void rest() { resting_ = true; }
  bool rests() const { return story_ && story_->ended(); }
  /// Reads every safe file that was put by it; used when everything works again.
  void begin_check();
  /// Of an administrator: releases what is quarantined; used when everything works again.
  void begin_release();

 private:
  template <class R>
  class answer;

  story<bool> live();
  story<bool> check_all();
  story<bool> administer();
  story<bool> set_some_volume();
  story<bool> set_some_quota();
  story<bool> release_all();
  story<bool> connect();
  wires::on_end on_cut(std::shared_ptr<uint64_t> link);
  void leave(std::optional<site::session>& from);
  story<bool> put();
  story<bool> look(batch_id id);
  story<bool> get(batch_id id, bool must);
  story<bool> read_range(retrieval_id retrieval, const delivery& given,
                         const std::map<std::string, file_row>& rows);
  void compare(const wanted_range& range, const bytes& data,
               const std::map<std::string, file_row>& rows, bool& good);
  story<bool> remove(batch_id id);
  story<bool> cancel(batch_id id);
  story<bool> trespass();
  std::optional<batch_id> any_batch();
  void tamper(true_batch& with);

  template <class R, class... Ts>
  answer<R> ask(Ts&&... xs);
  template <class R, class... Ts>
  answer<R> ask_at(const std::optional<site::session>& at, Ts&&... xs);
  answer<bool> sleep(std::chrono::nanoseconds time);
  void cut(uint64_t link, const std::string& why);
  void wake(uint64_t which);

  world& world_;
  wires& wires_;
  site& site_;
  truth& truth_;
  std::filesystem::path sources_;
  machine number_;
  std::string workspace_;
  // Null once the client has gone: a run that found something ends in the middle of everything, and
  // the actor may get its messages later than that.
  std::shared_ptr<client*> me_ = std::make_shared<client*>(this);
  bool administrator_;
  caf::actor actor_;
  caf::event_based_actor* self_ = nullptr;
  std::optional<site::session> session_;
  std::optional<site::session> data_session_;  ///< with a node
  struct waiter {
    uint64_t link;
    std::function<void(const caf::error&)> give_up;
  };
  std::map<uint64_t, waiter> waiting_;  ///< for answers
  std::map<uint64_t, std::function<void()>> sleeping_;
  uint64_t next_wait_ = 1;
  uint64_t next_file_ = 1;
  bool resting_ = false;
  std::optional<story<bool>> story_;
};

}  // namespace et::simulation
