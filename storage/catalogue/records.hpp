// What the catalogue holds, as values. How they become bytes: records.cpp (values) and keys.cpp.
// All of them may travel in messages between actors.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "storage/error.hpp"
#include "storage/types.hpp"

namespace et {

/// A project's area.
struct workspace_record {
  workspace_id id;
  std::string name;
  std::vector<std::string> roots;     ///< absolute folders whose files may be put
  std::vector<std::string> managers;  ///< user names
  uint64_t quota_bytes = 0;
  uint64_t used_bytes = 0;
  uint64_t used_files = 0;
  uint64_t batches = 0;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, workspace_record& x) {
    return f(caf::meta::type_name("workspace_record"), x.id, x.name, x.roots, x.managers,
             x.quota_bytes, x.used_bytes, x.used_files, x.batches);
  }
};

/// Whether a batch can be seen.
enum class batch_phase : uint8_t {
  pending = 1,    ///< being registered; nobody sees it; a restart forgets it
  committed = 2,  ///< its id was printed
  removing = 3,   ///< removed; gone from every listing, its keys are still being deleted
};

struct batch_record {
  batch_id id;
  workspace_id workspace;
  std::string workspace_name;
  std::string tag;
  std::string requester;  ///< user name
  uint32_t uid = 0;       ///< whose rights are used to read the source files
  uint32_t gid = 0;
  batch_phase phase = batch_phase::pending;
  et::state state = et::state::registered;
  int64_t created_ns = 0;  ///< time of commit
  int64_t safe_ns = 0;     ///< time all of it became safe, 0 before
  uint64_t files = 0;
  uint64_t size_bytes = 0;
  uint64_t failed_files = 0;
  uint64_t failed_bytes = 0;  ///< registered sizes of the failed files; not charged to the quota
  bool planned = false;       ///< all aggregations are in the catalogue
  bool cached_told = false;   ///< an alert said that all of it is in the cache
  uint32_t aggregations = 0;  ///< how many there are so far
  std::array<uint32_t, 6> in_state{};  ///< aggregations by number of their state
  /// Of a draft: what the client calls this put (16 bytes of its choice), so that it can ask again
  /// what became of it; empty: it does not ask.
  std::string request;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, batch_record& x) {
    return f(caf::meta::type_name("batch_record"), x.id, x.workspace, x.workspace_name, x.tag,
             x.requester, x.uid, x.gid, x.phase, x.state, x.created_ns, x.safe_ns, x.files,
             x.size_bytes, x.failed_files, x.failed_bytes, x.planned, x.cached_told, x.aggregations,
             x.in_state, x.request);
  }
};

/// A source file as it is registered.
struct file_entry {
  std::string path;  ///< absolute; any bytes but NUL
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  uint32_t mode = 0;  ///< permission bits
  uint32_t uid = 0;
  uint32_t gid = 0;

  friend bool operator==(const file_entry&, const file_entry&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, file_entry& x) {
    return f(caf::meta::type_name("file_entry"), x.path, x.size_bytes, x.mtime_ns, x.mode, x.uid,
             x.gid);
  }
};

/// Where the bytes of a file lie in its aggregation; one for each file of it, in path order.
struct placed_file {
  uint64_t offset_bytes = 0;  ///< of the first byte of data in the aggregation
  file_checksum checksum;
  bool failed = false;  ///< not in the aggregation; the reason is a failure record

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, placed_file& x) {
    return f(x.offset_bytes, x.checksum, x.failed);
  }
};

/// Why a file was not archived.
struct file_failure {
  std::string path;
  errc code = errc::none;
  std::string reason;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, file_failure& x) {
    return f(caf::meta::type_name("file_failure"), x.path, x.code, x.reason);
  }
};

/// One copy of an aggregation on tape. Present only when it is behind a flushed filemark.
struct copy_record {
  barcode volume;
  block_address header;  ///< of its HDR1 label
  block_address data;    ///< of its first data block
  uint64_t blocks = 0;   ///< data blocks
  uint32_t block_bytes = default_block_bytes;
  int64_t written_ns = 0;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, copy_record& x) {
    return f(caf::meta::type_name("copy_record"), x.volume, x.header, x.data, x.blocks,
             x.block_bytes, x.written_ns);
  }
};

/// A change of an aggregation's state, for its history.
struct state_change {
  et::state to = et::state::registered;
  int64_t time_ns = 0;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, state_change& x) {
    return f(x.to, x.time_ns);
  }
};

/// A run of files of one batch, contiguous in path order.
struct aggregation_record {
  aggregation_id id;
  et::state state = et::state::registered;
  std::string first_path;
  std::string last_path;
  uint64_t files = 0;
  uint64_t content_bytes = 0;  ///< sum of the registered sizes
  uint64_t failed_files = 0;
  uint64_t size_bytes = 0;  ///< of the tar in the cache and on tape; 0 until CACHED
  aggregation_checksum checksum;
  std::vector<copy_record> copies;
  std::vector<state_change> history;  ///< oldest first, at most the last 16
  std::string node;                   ///< whose cache has it; empty: none, or the head's own

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, aggregation_record& x) {
    return f(caf::meta::type_name("aggregation_record"), x.id, x.state, x.first_path, x.last_path,
             x.files, x.content_bytes, x.failed_files, x.size_bytes, x.checksum, x.copies,
             x.history, x.node);
  }
};

enum class volume_status : uint8_t {
  blank = 1,        ///< no label yet
  appendable = 2,   ///< labelled; aggregations may be added at next_header
  full = 3,         ///< reached its end
  suspect = 4,      ///< a read or write failed; not written any more
  quarantined = 5,  ///< out of use: not mounted; an administrator decides what becomes of it
};

/// All of them.
inline constexpr std::array volume_statuses{volume_status::blank, volume_status::appendable,
                                            volume_status::full, volume_status::suspect,
                                            volume_status::quarantined};

const char* to_string(volume_status status);

struct volume_record {
  barcode id;
  std::string pool;  ///< empty: free for any pool
  volume_status status = volume_status::blank;
  block_address next_header;   ///< where the next aggregation's HDR1 goes
  uint32_t next_sequence = 1;  ///< file sequence number in the next HDR1
  uint64_t written_bytes = 0;  ///< data of all aggregations written
  uint64_t aggregations = 0;
  uint64_t capacity_bytes = 0;  ///< nominal, as the drive said; 0 unknown
  std::string node;             ///< whose library held it last; empty: the head's, or none yet

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, volume_record& x) {
    return f(caf::meta::type_name("volume_record"), x.id, x.pool, x.status, x.next_header,
             x.next_sequence, x.written_bytes, x.aggregations, x.capacity_bytes, x.node);
  }
};

enum class severity : uint8_t { info = 1, warning = 2, error = 3 };

const char* to_string(severity level);

/// Something a manager or an operator wants to know. Numbered from 1 without gaps.
struct alert_record {
  uint64_t number = 0;  ///< given by the catalogue
  int64_t time_ns = 0;
  severity level = severity::info;
  std::string workspace;  ///< empty: for operators
  batch_id batch;         ///< 0: none
  std::string text;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, alert_record& x) {
    return f(caf::meta::type_name("alert_record"), x.number, x.time_ns, x.level, x.workspace,
             x.batch, x.text);
  }
};

enum class retrieval_state : uint8_t { running = 1, completed = 2, failed = 3, cancelled = 4 };

const char* to_string(retrieval_state state);

struct retrieval_record {
  retrieval_id id;
  workspace_id workspace;
  std::string workspace_name;
  batch_id batch;  ///< 0: a list of files
  std::string requester;
  retrieval_state state = retrieval_state::running;
  int64_t started_ns = 0;
  int64_t ended_ns = 0;
  uint64_t files = 0;
  uint64_t size_bytes = 0;
  uint64_t bad_files = 0;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, retrieval_record& x) {
    return f(caf::meta::type_name("retrieval_record"), x.id, x.workspace, x.workspace_name, x.batch,
             x.requester, x.state, x.started_ns, x.ended_ns, x.files, x.size_bytes, x.bad_files);
  }
};

/// A login with a token. The token itself is stored nowhere.
struct token_record {
  std::string hash;   ///< of 32 bytes; it is the key
  uint64_t id = 0;    ///< given by the catalogue; what people name it by
  std::string user;   ///< as whom its bearer looks
  std::string label;  ///< what it is for
  int64_t created_ns = 0;
  int64_t expires_ns = 0;  ///< 0: never
  std::string tail;        ///< the last characters of the token
  std::string workspace;   ///< the only one that its bearer may use; empty: all of the user

  bool is_expired(int64_t now_ns) const { return expires_ns != 0 && expires_ns <= now_ns; }

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, token_record& x) {
    return f(caf::meta::type_name("token_record"), x.hash, x.id, x.user, x.label, x.created_ns,
             x.expires_ns, x.tail, x.workspace);
  }
};

/// Who did what from where, and what came of it.
struct audit_record {
  uint64_t number = 0;  ///< given by the catalogue
  int64_t time_ns = 0;
  std::string user;       ///< as whom; empty: nobody had been recognised
  std::string from;       ///< `unix`, or ADDRESS:PORT; with how it was proved, as in `token 7`
  std::string action;     ///< a command, `login`, …
  std::string workspace;  ///< empty: none
  std::string subject;    ///< what it was done to, as in `batch 12`
  errc outcome = errc::none;
  std::string text;  ///< of the outcome

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, audit_record& x) {
    return f(caf::meta::type_name("audit_record"), x.number, x.time_ns, x.user, x.from, x.action,
             x.workspace, x.subject, x.outcome, x.text);
  }
};

/// What became of a client's put, kept so that it can ask again.
struct request_record {
  batch_id batch;
  int64_t time_ns = 0;  ///< of the commit
};

/// A file as a listing shows it: the registered entry joined with its aggregation and failure.
struct file_row {
  batch_id batch;
  file_entry entry;
  et::state state = et::state::registered;
  uint32_t aggregation = 0;   ///< number in the batch, 0 before planning
  uint64_t offset_bytes = 0;  ///< of its data in the aggregation; valid when has_checksum
  bool has_checksum = false;
  file_checksum checksum;
  std::string reason;  ///< of a failed file
};

/// Rows in the compact form in which they travel; at most max_packed_bytes a message.
constexpr size_t max_packed_bytes = 1024 * 1024;

/// Many values in one message: `count` of them, packed by pack_*().
struct packed_page {
  uint32_t count = 0;
  bytes data;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, packed_page& x) {
    return f(caf::meta::type_name("packed_page"), x.count, x.data);
  }
};

/// Packs all of `entries`. The caller bounds them.
packed_page pack_entries(const std::vector<file_entry>& entries);
/// Unpacks what a peer sent. Error: protocol for anything that pack_entries does not produce: count
/// or lengths that do not fit, a path that is empty or contains NUL.
caf::expected<std::vector<file_entry>> unpack_entries(const packed_page& page);

packed_page pack_rows(const std::vector<file_row>& rows);
caf::expected<std::vector<file_row>> unpack_rows(const packed_page& page);

/// Byte strings (paths), as for a file list.
packed_page pack_strings(const std::vector<std::string>& strings);
caf::expected<std::vector<std::string>> unpack_strings(const packed_page& page);

}  // namespace et
