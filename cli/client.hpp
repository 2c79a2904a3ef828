// A command's connection to the service: a short-lived node of the actor system that joins the
// session which the front door starts for it.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <tuple>

#include "actors/defaults.hpp"
#include "actors/protocol_client.hpp"
#include "cli/remote_client.hpp"
#include "storage/os/file.hpp"

namespace et {

/// A request on its way. Answers exactly once: with the answer, or with an error when the request
/// fails, the session ends or the client is destroyed.
class client_job : public std::enable_shared_from_this<client_job> {
 public:
  virtual ~client_job() = default;
  /// Sends the request, which has `timeout` for its answer; `over` is called when there is one.
  virtual void send(caf::event_based_actor* self, const client_actor& to,
                    std::chrono::milliseconds timeout, std::function<void()> over) = 0;
  virtual void fail_with(const caf::error& error) = 0;
};

template <class Result, class... Words>
class typed_client_job : public client_job {
 public:
  using callback = std::function<void(caf::expected<Result>)>;

  typed_client_job(callback done, Words... words)
      : done_(std::move(done)), words_(std::move(words)...) {}

  ~typed_client_job() override { fail_with(fail(errc::cancelled, "the connection was closed")); }

  void send(caf::event_based_actor* self, const client_actor& to, std::chrono::milliseconds timeout,
            std::function<void()> over) override {
    auto keep = std::static_pointer_cast<typed_client_job>(shared_from_this());
    std::apply(
        [&](auto&... words) {
          self->request(to, timeout, std::move(words)...)
              .then(
                  [keep, over](Result& result) {
                    over();
                    keep->answer(std::move(result));
                  },
                  [keep, over](caf::error& error) {
                    over();
                    keep->answer(std::move(error));
                  });
        },
        words_);
  }

  void fail_with(const caf::error& error) override { answer(error); }

 private:
  void answer(caf::expected<Result> result) {
    if (auto done = std::exchange(done_, nullptr)) done(std::move(result));
  }

  callback done_;
  std::tuple<Words...> words_;
};

/// One session. call() and post() may be used by any threads at the same time.
class client {
 public:
  /// Connects to `unix:PATH` or, over TLS, to HOST:PORT, and says hello. Errors: unavailable (no
  /// service; the text says how to start it), limit_reached (too many sessions), timeout, protocol
  /// (another version), invalid_argument (address), and those of connect_remote().
  static caf::expected<std::unique_ptr<client>> connect(const std::string& address,
                                                        const client_options& options = {});
  /// Connects to another node with a ticket of a session; `fingerprint`: of its public key.
  /// Requests have data_timeout there, not client_timeout: the head can be asked instead.
  static caf::expected<std::unique_ptr<client>> connect_with_ticket(
      const std::string& address, const std::string& fingerprint, const std::string& ticket,
      std::chrono::milliseconds timeout = defaults::data_connect_timeout);

  /// Ends the session. Requests under way answer with `cancelled`.
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  /// The descriptor that the service sent with `number` (delivery::descriptor); empty when it is
  /// not there.
  unique_fd take_descriptor(uint64_t number);

  /// True from the end of the session on: every call fails. Set before the first one does.
  bool ended() const;

  /// What the service said at the beginning.
  const session_info& info() const;

  /// Sends a message of client_actor and waits for its answer of type `Result`. Errors are those
  /// of the message; timeout; unavailable at once when the session ends. Must not be used within
  /// a callback of post().
  template <class Result, class... Words>
  caf::expected<Result> call(Words... words) {
    // Shared: the other thread may still be in set_value() when get() returns here.
    auto promise = std::make_shared<std::promise<caf::expected<Result>>>();
    auto future = promise->get_future();
    post<Result>([promise](caf::expected<Result> result) { promise->set_value(std::move(result)); },
                 std::move(words)...);
    return future.get();
  }

  /// Sends a message and returns; `done` gets the answer on a thread of the client, one at a time,
  /// and must not block for long. Messages are received in the order they are posted in.
  template <class Result, class... Words>
  void post(std::function<void(caf::expected<Result>)> done, Words... words) {
    using job = typed_client_job<Result, Words...>;
    start(std::make_shared<job>(std::move(done), std::move(words)...));
  }

 private:
  struct node;
  explicit client(std::unique_ptr<node> node_of);
  static caf::expected<std::unique_ptr<client>> begin(std::unique_ptr<node> begun,
                                                      unique_fd session, const std::string& address,
                                                      const client_options& options);
  void start(std::shared_ptr<client_job> job);

  std::unique_ptr<node> node_;
};

}  // namespace et

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<et::client_job>)
