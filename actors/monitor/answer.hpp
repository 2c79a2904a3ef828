// What the pages make and the server sends.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "actors/monitor/live.hpp"
#include "actors/monitor/query.hpp"
#include "storage/catalogue/store.hpp"

namespace et {
class metrics;
}

namespace et::monitor {

/// What pages are made of.
struct page_context {
  catalogue_store* store = nullptr;
  std::string node;             ///< name of this node: of [A-Za-z0-9.-]
  std::string origin;           ///< `http://HOST:PORT` as the client knows it
  live_source* live = nullptr;  ///< null in tests of pages that need none
  metrics* measures = nullptr;  ///< likewise
};

/// Appends the next piece of an answer; true: there is another one. An error cuts the answer, so
/// that nobody takes a part of a listing for the whole.
using piece_writer = std::function<caf::expected<bool>(std::string& out)>;

struct answer {
  int status = 200;
  std::string type = "text/html; charset=utf-8";
  piece_writer next;
  std::vector<std::pair<std::string, std::string>> headers;  ///< besides type and length
  /// Set: the answer has no end. Called about once a second by the thread that serves all of them;
  /// appends the next server-sent event, or nothing. False: close the connection.
  std::function<bool(std::string& out)> events;
};

/// A writer of a single piece.
piece_writer once(std::function<void(std::string& out)> write);
/// All of them, one behind the other, in pieces of about defaults::monitor_piece_bytes.
piece_writer in_order(std::vector<piece_writer> parts);

/// A page that says what is wrong: 404 for not_found, 400 for invalid_argument, 503 for what may go
/// away by itself; 500, with the reason in the log only, for the rest.
answer error_page(const caf::error& error);

/// The same for whoever asked for `target`: a document below /api/, a page elsewhere.
answer error_for(std::string_view target, const caf::error& error);

/// The status for an error, as error_page() has it, and what it is called, as in `404 Not found`.
int status_of(const caf::error& error);
const char* words_of(int status);

/// The answer for a target as `who` may see it: a page, or an error_page(). Its first piece is to
/// be asked for before anything is sent.
answer answer_to(const page_context& context, std::string_view target, viewer who = {});
/// answer_to(), or another one: throws nothing that is not a std::exception.
using answer_maker = std::function<answer(const page_context&, std::string_view target, viewer)>;

}  // namespace et::monitor
