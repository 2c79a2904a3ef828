// An answer as it goes over the wire.
#pragma once

#include "actors/monitor/answer.hpp"

namespace et::monitor {

/// What is sent for a request.
struct reply {
  std::string bytes;  ///< the status line, the headers, and what there is of the body
  piece_writer next;  ///< the rest, as it is sent; empty: nothing follows
  /// Set instead of `next`: a stream of events follows.
  std::function<bool(std::string& out)> events;
  std::string viewer;  ///< for whom streams are counted
  bool reset = false;  ///< only a reset tells the client that an answer was cut
};

/// How the request wants its reply.
struct reply_form {
  bool head = false;      ///< without a body
  bool http_1_0 = false;  ///< the end of the connection is the end of the answer
  bool tls = false;
};

/// Asks for the first piece. A whole answer that fits into it is sent with its length, others in
/// chunks. Headers of `made` replace those that every answer has.
reply compose(answer made, const reply_form& form);

}  // namespace et::monitor
