// From a request to a reply: cpp-httplib parses the one, and connections are not its own.
#pragma once

#include <httplib.h>

#include "actors/monitor/reply.hpp"

namespace et::monitor {

class http_engine final : private httplib::Server {
 public:
  http_engine(page_context pages, answer_maker make);

  /// The reply to one request, a text up to its blank line, of a client at the address `peer`. Any
  /// number of threads; throws nothing.
  reply reply_to(std::string request, const std::string& peer);

 private:
  answer answer_for(const httplib::Request& request, const std::string& peer) const;

  page_context pages_;
  answer_maker make_;
};

}  // namespace et::monitor
