// Streams entries of a put to the service, with several chunks on the way, and tells what was
// refused.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "cli/commands/context.hpp"

namespace et {

/// One upload. Lines are told in their order; memory is bounded by the window.
class upload_stream {
 public:
  /// `origin` names the list file in messages (`ORIGIN:LINE: path: reason`); empty for a folder,
  /// whose lines are all 0.
  upload_stream(service_api& service, reporter& report, uint64_t upload, std::string origin)
      : service_(service), report_(report), upload_(upload), origin_(std::move(origin)) {}

  /// Adds an entry; sends and waits as the window asks. An error ends the upload.
  caf::error add(file_entry entry, uint64_t line);
  /// Tells that a line is bad without asking the service.
  void refuse(uint64_t line, const std::string& path, const std::string& reason);
  /// Sends the rest and waits for all answers.
  caf::error finish();

  uint64_t files() const { return files_; }          ///< accepted, so far as answers are there
  uint64_t refused() const { return refused_; }      ///< by us or the service
  uint64_t unchanged() const { return unchanged_; }  ///< left out: held just as they are
  uint64_t sent() const { return sent_; }

 private:
  struct chunk {
    std::vector<file_entry> entries;
    std::vector<uint64_t> lines;
    pending<std::vector<entry_error>> answer;
  };
  caf::error send();
  caf::error take_answer();
  void tell_until(uint64_t line);

  service_api& service_;
  reporter& report_;
  const uint64_t upload_;
  const std::string origin_;
  chunk filling_;
  size_t filling_bytes_ = 0;
  std::deque<chunk> on_the_way_;
  std::multimap<uint64_t, std::string> untold_;  // by line, until all lines before are answered
  uint64_t files_ = 0;
  uint64_t refused_ = 0;
  uint64_t unchanged_ = 0;
  uint64_t sent_ = 0;
};

}  // namespace et
