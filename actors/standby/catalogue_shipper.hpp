// Sends the catalogue to its standby. Messages: catalogue_shipper_actor in standby_protocol.hpp.
#pragma once

#include <filesystem>
#include <optional>

#include "actors/standby/answer_gate.hpp"
#include "actors/standby/standby_watch.hpp"
#include "storage/os/file.hpp"

namespace et {

/// Makes checkpoints. Detached, so that the shipper keeps its time meanwhile.
using checkpoint_maker_actor =
    caf::typed_actor<handles<std::vector<checkpoint_file>(checkpoint_atom, std::string)>>;

struct shipper_options {
  std::string node;              ///< the head's name
  std::string standby;           ///< the only node that may follow; empty: any
  std::filesystem::path folder;  ///< for checkpoints; on the file system of the catalogue
  std::chrono::milliseconds timeout = defaults::standby_timeout;
  standby_policy policy = standby_policy::drop;
  size_t chunk_bytes = defaults::standby_chunk_bytes;
  /// Another node is the head: called once, from the shipper's thread.
  std::function<void(const epoch_record&)> on_fenced;
};

/// The files of a checkpoint as one stream of bytes.
class checkpoint_stream {
 public:
  checkpoint_stream(std::filesystem::path folder, std::vector<checkpoint_file> files)
      : folder_(std::move(folder)), files_(std::move(files)) {}
  /// Deletes the folder.
  ~checkpoint_stream();
  checkpoint_stream(const checkpoint_stream&) = delete;
  checkpoint_stream& operator=(const checkpoint_stream&) = delete;

  const std::vector<checkpoint_file>& files() const { return files_; }
  /// Up to `limit` bytes; empty at the end. Error: io_error, corrupt when a file is not as listed.
  caf::expected<bytes> read(size_t limit);

 private:
  std::filesystem::path folder_;
  std::vector<checkpoint_file> files_;
  size_t at_ = 0;
  uint64_t offset_ = 0;
  unique_fd file_;
};

struct shipper_state {
  static inline const char* name = "catalogue_shipper";

  struct session_state {
    uint64_t number = 0;
    std::string node;
    catalogue_follower_actor follower;
    std::unique_ptr<checkpoint_stream> checkpoint;  ///< null: the log is sent
    std::unique_ptr<log_reader> reader;
    std::string read;      ///< frames that have been read and not sent wholly
    size_t read_sent = 0;  ///< of them
    uint64_t sent = 0;     ///< chunks
    uint64_t acknowledged = 0;
    uint64_t acknowledged_sequence = 0;
    std::optional<uint64_t> end;  ///< where the log ended when it was read last
  };

  catalogue_log* log = nullptr;
  gated_registrar_actor registrar;
  std::shared_ptr<standby_status> status;
  shipper_options options;
  checkpoint_maker_actor maker;
  std::optional<standby_watch> watch;
  std::optional<session_state> session;
  uint64_t sessions = 0;
  uint64_t sent_bytes = 0;
  bool ticking = false;
  bool fenced = false;
};

/// `log`, of the registrar's store, outlives the actor. Detached. What an earlier run left in
/// options.folder is deleted.
catalogue_shipper_actor::behavior_type catalogue_shipper(
    catalogue_shipper_actor::stateful_pointer<shipper_state> self, catalogue_log* log,
    gated_registrar_actor registrar, std::shared_ptr<standby_status> status,
    shipper_options options);

}  // namespace et
