// The values that actors exchange, besides the catalogue's records. What each message means stands
// in protocol.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/catalogue/records.hpp"
#include "storage/catalogue/store.hpp"

namespace et {

/// Who is at the other end of a session, found at accept by the service; never told by the client.
struct identity {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;  ///< supplementary
  std::string user;              ///< name, or the uid in digits when it has none
  bool administrator = false;
  std::string workspace;  ///< the only one that it may use; empty: all that are the user's
  std::string from;       ///< where it comes from and how that is known, for the audit

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, identity& x) {
    return f(caf::meta::type_name("identity"), x.uid, x.gid, x.groups, x.user, x.administrator,
             x.workspace, x.from);
  }
};

/// What a client learns first.
struct session_info {
  std::string version;
  std::string user;
  bool administrator = false;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, session_info& x) {
    return f(caf::meta::type_name("session_info"), x.version, x.user, x.administrator);
  }
};

/// An upload that has begun: a pending batch of this session.
struct upload_info {
  uint64_t upload = 0;             ///< number to name it by; not the batch id before commit
  std::vector<std::string> roots;  ///< files must lie beneath one of these
  uint64_t max_file_bytes = 0;
  batch_id committed;  ///< not 0: this put is a batch already, there is no upload

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, upload_info& x) {
    return f(caf::meta::type_name("upload_info"), x.upload, x.roots, x.max_file_bytes, x.committed);
  }
};

/// What a batch is doing, for `status`.
struct batch_status {
  batch_record batch;
  std::vector<aggregation_record> aggregations;  ///< a page of them
  std::vector<file_failure> failures;            ///< the first few
  std::vector<std::string> waits;                ///< what each part in motion waits for, in words

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, batch_status& x) {
    return f(caf::meta::type_name("batch_status"), x.batch, x.aggregations, x.failures, x.waits);
  }
};

/// A page of a find. It may be empty before the end.
struct found_page {
  packed_page rows;  ///< pack_rows
  bool end = false;  ///< there is nothing more
  batch_id from;     ///< what the next find_query has as from and after
  std::string after;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, found_page& x) {
    return f(caf::meta::type_name("found_page"), x.rows, x.end, x.from, x.after);
  }
};

/// What a retrieval is doing, for `status`. The counts are zero when it is not running any more.
struct retrieval_status {
  retrieval_record record;
  uint64_t wanted_ranges = 0;
  uint64_t finished_ranges = 0;
  uint64_t wanted_bytes = 0;
  uint64_t finished_bytes = 0;
  std::string wait;  ///< what it waits for, in words

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, retrieval_status& x) {
    return f(caf::meta::type_name("retrieval_status"), x.record, x.wanted_ranges, x.finished_ranges,
             x.wanted_bytes, x.finished_bytes, x.wait);
  }
};

/// A run of bytes of one aggregation that a client wants.
struct wanted_range {
  aggregation_id aggregation;
  uint64_t begin_bytes = 0;
  uint64_t end_bytes = 0;  ///< one behind the last

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, wanted_range& x) {
    return f(caf::meta::type_name("wanted_range"), x.aggregation, x.begin_bytes, x.end_bytes);
  }
};

/// What a retrieval has for its client next.
enum class delivery_kind : uint8_t {
  ready = 1,    ///< `range` can be read now
  waiting = 2,  ///< nothing ready yet; `text` says what is waited for
  failed = 3,   ///< `range` cannot be had; `text` says why
  end = 4,      ///< everything wanted has been ready or failed
};

struct delivery {
  delivery_kind kind = delivery_kind::waiting;
  wanted_range range;
  errc code = errc::none;
  std::string text;
  /// Of a ready range: the number under which a descriptor of the cache file came through the
  /// session's descriptor channel, its offsets are those of the aggregation; 0: none, read with
  /// get_data.
  uint64_t descriptor = 0;
  /// Of a ready range in the cache of another node: where it listens for clients (HOST:PORT), the
  /// SHA-256 of its public key, and what opens a session there, once.
  std::string address;
  std::string fingerprint;
  std::string ticket;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, delivery& x) {
    return f(caf::meta::type_name("delivery"), x.kind, x.range, x.code, x.text, x.descriptor,
             x.address, x.fingerprint, x.ticket);
  }
};

/// How a client ended its retrieval.
struct retrieval_outcome {
  retrieval_state state = retrieval_state::completed;
  uint64_t files = 0;
  uint64_t size_bytes = 0;
  uint64_t bad_files = 0;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, retrieval_outcome& x) {
    return f(caf::meta::type_name("retrieval_outcome"), x.state, x.files, x.size_bytes,
             x.bad_files);
  }
};

/// One fact about an actor, drive, volume, … as the inspector shows it.
struct fact {
  std::string name;
  std::string value;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, fact& x) {
    return f(x.name, x.value);
  }
};

/// Facts about one thing. `kind` is a word of the design: actor, batch, drive, volume, cache,
/// queue.
struct report {
  std::string kind;
  std::string name;
  std::vector<fact> facts;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, report& x) {
    return f(caf::meta::type_name("report"), x.kind, x.name, x.facts);
  }
};

/// An aggregation to be read from its source files and written into the cache.
struct cache_job {
  aggregation_record aggregation;
  batch_record batch;
  std::vector<std::string> roots;
  std::vector<file_entry> entries;  ///< every registered file of it, in path order
  std::string reader;               ///< the node that reads the files; empty: the cache's own

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, cache_job& x) {
    return f(caf::meta::type_name("cache_job"), x.aggregation, x.batch, x.roots, x.entries,
             x.reader);
  }
};

/// A cached aggregation that must go to tape.
struct tape_item {
  aggregation_record aggregation;
  std::string workspace;
  std::string tag;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, tape_item& x) {
    return f(caf::meta::type_name("tape_item"), x.aggregation, x.workspace, x.tag);
  }
};

/// Aggregations to be written to the mounted volume, one after the other, with one flush.
struct write_job {
  volume_record volume;
  std::vector<tape_item> items;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, write_job& x) {
    return f(caf::meta::type_name("write_job"), x.volume, x.items);
  }
};

/// What became of a write_job. `written` is behind a flushed filemark, in the job's order; the rest
/// is not on this volume.
struct write_outcome {
  std::vector<written_aggregation> written;
  volume_record volume;       ///< as it is now
  errc stopped = errc::none;  ///< why the rest was not written
  std::string text;
  aggregation_id culprit;  ///< whose cache copy was the reason, for errc::corrupt and not_found

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, write_outcome& x) {
    return f(caf::meta::type_name("write_outcome"), x.written, x.volume, x.stopped, x.text,
             x.culprit);
  }
};

/// Byte ranges of an aggregation to be brought from tape into the cache.
struct recall_job {
  uint64_t number = 0;  ///< of the recall, for messages about it
  aggregation_record aggregation;
  copy_record copy;
  bool whole = false;                ///< the whole aggregation, verified, under its cache name
  std::vector<wanted_range> ranges;  ///< ascending; of a part recall
  /// Go on behind blocks that cannot be read, leaving zeros: the client's checksums tell the files
  /// that are whole from those that are not. Only for part recalls, when no copy is left to try.
  bool salvage = false;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, recall_job& x) {
    return f(caf::meta::type_name("recall_job"), x.number, x.aggregation, x.copy, x.whole, x.ranges,
             x.salvage);
  }
};

struct recall_outcome {
  uint64_t number = 0;
  aggregation_id aggregation;
  bool whole = false;
  errc code = errc::none;
  std::string text;
  uint64_t read_bytes = 0;  ///< from tape

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, recall_outcome& x) {
    return f(caf::meta::type_name("recall_outcome"), x.number, x.aggregation, x.whole, x.code,
             x.text, x.read_bytes);
  }
};

/// A cache file that a node holds, and what the head says of it.
struct held_file {
  enum class verdict_type : uint8_t {
    unknown = 0,  ///< as the node tells it
    wanted = 1,   ///< it is the only place of its bytes, or one of them before all copies are made
    safe = 2,     ///< all its copies are on tape
    nobody = 3,   ///< the catalogue does not count on it: it is deleted
  };
  aggregation_id id;
  uint64_t size_bytes = 0;
  verdict_type verdict = verdict_type::unknown;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, held_file& x) {
    return f(caf::meta::type_name("held_file"), x.id, x.size_bytes, x.verdict);
  }
};

/// Where the cartridges are.
struct library_inventory {
  std::vector<barcode> in_slots;
  std::vector<barcode> in_drives;  ///< by drive number; an empty barcode: the drive is empty
  uint64_t slots = 0;              ///< empty ones included

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, library_inventory& x) {
    return f(caf::meta::type_name("library_inventory"), x.in_slots, x.in_drives, x.slots);
  }
};

/// Work that waits, for the live picture.
struct queue_facts {
  std::string name;
  uint64_t waiting = 0;
  uint64_t waiting_bytes = 0;
  int64_t oldest_ms = 0;  ///< how long the first has waited

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, queue_facts& x) {
    return f(caf::meta::type_name("queue_facts"), x.name, x.waiting, x.waiting_bytes, x.oldest_ms);
  }
};

struct drive_facts {
  std::string node;            ///< that it is attached to
  std::string activity;        ///< of drive_activity, or resting after a failure
  barcode volume;              ///< empty: none mounted
  std::string pool;            ///< being written
  aggregation_id aggregation;  ///< being recalled; 0.0: none

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, drive_facts& x) {
    return f(caf::meta::type_name("drive_facts"), x.node, x.activity, x.volume, x.pool,
             x.aggregation);
  }
};

struct volume_facts {
  volume_record record;
  bool present = false;  ///< in the library

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, volume_facts& x) {
    return f(caf::meta::type_name("volume_facts"), x.record, x.present);
  }
};

/// What the mount scheduler knows. `volumes` is a page of those that changed behind the revision
/// that was asked for.
struct scheduler_facts {
  bool ready = false;  ///< the inventory is known
  uint64_t slots = 0;
  std::vector<drive_facts> drives;  ///< by number
  std::vector<queue_facts> queues;
  std::vector<volume_facts> volumes;
  uint64_t revision = 0;  ///< of the last of `volumes`, for the next question
  bool more = false;      ///< others have changed behind it

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, scheduler_facts& x) {
    return f(caf::meta::type_name("scheduler_facts"), x.ready, x.slots, x.drives, x.queues,
             x.volumes, x.revision, x.more);
  }
};

/// What the cache keeper knows.
struct keeper_facts {
  std::string node;
  uint64_t capacity_bytes = 0;
  uint64_t file_bytes = 0;
  uint64_t reserved_bytes = 0;
  uint64_t unsafe_bytes = 0;  ///< of files that are not on tape yet
  uint64_t high_bytes = 0;
  uint64_t low_bytes = 0;
  uint64_t files = 0;
  bool full = false;
  std::vector<queue_facts> queues;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, keeper_facts& x) {
    return f(caf::meta::type_name("keeper_facts"), x.node, x.capacity_bytes, x.file_bytes,
             x.reserved_bytes, x.unsafe_bytes, x.high_bytes, x.low_bytes, x.files, x.full,
             x.queues);
  }
};

/// What the batch director knows.
struct director_facts {
  std::vector<batch_id> first;  ///< in motion, the lowest at most defaults::live_batches
  uint64_t in_motion = 0;       ///< in all
  uint64_t waiting = 0;         ///< of these, without a supervisor
  batch_id longest;             ///< waits longest; 0: none

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, director_facts& x) {
    return f(caf::meta::type_name("director_facts"), x.first, x.in_motion, x.waiting, x.longest);
  }
};

}  // namespace et
