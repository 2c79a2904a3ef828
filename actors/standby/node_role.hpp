// What a node remembers in its state folder about who is the head: the highest epoch it has seen
// (STATE/epoch) and what its own catalogue is (STATE/role). Both survive a loss of power.
#pragma once

#include <filesystem>
#include <string>

#include "actors/messages.hpp"
#include "storage/catalogue/catalogue_log.hpp"

namespace et {

/// STATE/epoch: the number, the node, since when. One thread.
class epoch_file {
 public:
  /// Reads it; a missing file is epoch 0. Errors: corrupt, io_error.
  static caf::expected<epoch_file> open(const std::filesystem::path& path);

  const epoch_record& known() const { return known_; }
  /// Remembers a higher epoch, fsynced when the call returns; a lower one or the same changes
  /// nothing. Error: io_error; what is known stays then.
  caf::error remember(const epoch_record& seen);
  /// For links: whether a node that says it is the head in epoch `claimed` may be one. A higher
  /// epoch is remembered. Error: not_authorised when the claim is lower than what is known.
  caf::error accept_head(const std::string& node, const epoch_record& claimed);

 private:
  epoch_file(std::filesystem::path path, epoch_record known)
      : path_(std::move(path)), known_(std::move(known)) {}

  std::filesystem::path path_;
  epoch_record known_;
};

/// For a head that learns on a link what another node knows. No error: it stays the head.
/// Error unavailable: it is fenced and must stop; the text says who is the head since when, and
/// what to do.
caf::error check_fenced(const std::string& node, const epoch_record& mine,
                        const epoch_record& known);

/// Exit code of a fenced head.
constexpr int fenced_exit_code = 3;

/// What the catalogue in STATE/catalogue is.
enum class node_role {
  none,     ///< nothing is written: that of a head, if there is one
  head,     ///< written by this node
  standby,  ///< a copy of the head's
};

/// Errors: corrupt, io_error.
caf::expected<node_role> read_role(const std::filesystem::path& state);
/// Durable. Error: io_error.
caf::error write_role(const std::filesystem::path& state, node_role role);

/// Makes the copy in STATE/catalogue a head's catalogue: a new epoch above `known` and its own is
/// written to it, then to STATE/epoch, then the role. Each step is durable before the next, so that
/// a crash leaves a standby or a head. Precondition: nobody has the catalogue open. Errors: those
/// of opening the catalogue; after one the node is still a standby.
caf::expected<epoch_record> promote_copy(const std::filesystem::path& state,
                                         const catalogue_store::options& options,
                                         const std::string& node, epoch_file& epochs);

/// Where a former head's catalogue is put when a copy takes its place:
/// STATE/catalogue.kept-YYYYMMDD-HHMMSS, with a number behind it when that exists.
std::filesystem::path kept_catalogue(const std::filesystem::path& state, int64_t now_ns);

}  // namespace et
