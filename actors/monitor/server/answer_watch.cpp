#include "actors/monitor/server/answer_watch.hpp"

namespace et::monitor {

namespace {

/// What is known of an answer that is being sent; tells it when the answer goes.
struct measured {
  metrics* measures;
  stopwatch watch;
  std::string route;
  int status;
  double first_byte_seconds = 0;

  measured(metrics* to, const stopwatch& since, std::string name, int code)
      : measures(to), watch(since), route(std::move(name)), status(code) {}
  measured(const measured&) = delete;
  measured& operator=(const measured&) = delete;
  ~measured() {
    auto seconds = watch.seconds();
    if (first_byte_seconds == 0) first_byte_seconds = seconds;
    measures->answered(route, status, first_byte_seconds, seconds);
  }
};

}  // namespace

answer answer_watch::over(answer made) const {
  if (!measures_ || made.events) return made;
  auto about = std::make_shared<measured>(measures_, watch_, route_, made.status);
  made.next = [about, next = std::move(made.next)](std::string& out) -> caf::expected<bool> {
    auto more = next(out);
    if (about->first_byte_seconds == 0) about->first_byte_seconds = about->watch.seconds();
    if (!more) about->status = 500;
    return more;
  };
  return made;
}

}  // namespace et::monitor
