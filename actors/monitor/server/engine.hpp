// From a request to a reply: cpp-httplib parses the one, and connections are not its own.
#pragma once

#include <httplib.h>

#include "actors/monitor/server/access.hpp"
#include "actors/monitor/server/reply.hpp"

namespace et::monitor {

class http_engine final : private httplib::Server {
 public:
  /// `tls`: clients know the monitor as `https://`.
  http_engine(page_context pages, answer_maker make, const access_options& access, bool tls);

  /// The reply to one request, a text up to its blank line, of a client at the address `peer`. Any
  /// number of threads; throws nothing.
  reply reply_to(std::string request, const std::string& peer);

 private:
  /// Who asks: the user, or the address where there are none.
  answer answer_for(const httplib::Request& request, const credentials& from, std::string& viewer);

  page_context pages_;
  answer_maker make_;
  access_control access_;
  bool tls_;
};

}  // namespace et::monitor
