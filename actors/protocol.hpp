// Every actor of the service and every message it understands. A message not written here does not
// exist. What clients may say stands in protocol_client.hpp, the values in messages.hpp.
//
// Every request answers with its value or with a caf::error of ours. `report` (facts for the
// inspector) is understood by all.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "actors/atoms.hpp"
#include "actors/protocol_client.hpp"

namespace et {

/// What the inspector asks of everyone.
using reporting_actor = caf::typed_actor<handles<std::vector<report>(report_atom)>>;

/// The only writer of the catalogue; each request is one atomic write batch. Detached.
using registrar_actor = reporting_actor::extend<
    // Begins a pending batch for the sender, whose end before the commit drops it. Roots and
    // maximum size are checked for each chunk. With true, only new and changed files are taken.
    handles<batch_id(put_begin_atom, batch_record, bool)>,
    // Adds a chunk of pack_entries to a pending batch; answers with those not taken.
    handles<std::vector<entry_error>(put_chunk_atom, batch_id, packed_page)>,
    // Commits durably and starts the batch.
    handles<batch_record(put_commit_atom, batch_id)>,
    // Forgets a pending batch.
    handles<bool(put_drop_atom, batch_id)>,
    // Adds planned aggregations; true with the last.
    handles<bool(plan_atom, batch_id, std::vector<aggregation_record>, bool)>,
    // REGISTERED → CACHED.
    handles<aggregation_record(cached_atom, cached_aggregation)>,
    // Copies behind a flushed filemark; the volume as it is now.
    handles<std::vector<aggregation_record>(written_atom, std::vector<written_aggregation>,
                                            volume_record)>,
    // CACHED → REGISTERED: the cache copy is lost.
    handles<bool(lost_atom, aggregation_id)>,
    // CACHED_SYNCED → SYNCED, before the cache copies of a node are deleted.
    handles<bool(evicted_atom, std::vector<aggregation_id>, std::string)>,
    // SYNCED → CACHED_SYNCED: a whole recall is in the cache of a node.
    handles<bool(recalled_atom, aggregation_id, std::string)>,
    // A volume's record, and why it is so when that is for an alert.
    handles<bool(volume_atom, volume_record, std::string)>,
    // Gives up what is not safe of a batch, in the name of a user.
    handles<batch_record(cancel_atom, batch_id, std::string)>,
    // Removes a batch from every listing; its keys go in the background.
    handles<batch_record(remove_atom, batch_id)>,
    // Deletes the next keys of removed and dropped batches (to itself).
    handles<void(purge_atom)>,
    // Workspaces.
    handles<workspace_record(admin_add_atom, workspace_record)>,
    handles<workspace_record(admin_set_atom, workspace_record)>,
    handles<bool(admin_remove_atom, std::string)>,
    // Numbers and stores an alert.
    handles<alert_record(alert_atom, alert_record)>,
    // Alerts up to a number have been delivered to a target.
    handles<void(delivered_atom, std::string, uint64_t)>,
    // Begins and ends a retrieval.
    handles<retrieval_record(get_begin_atom, retrieval_record)>,
    handles<bool(get_end_atom, retrieval_record)>,
    // Logins for the monitor.
    handles<token_record(token_add_atom, token_record)>,
    handles<token_record(token_remove_atom, uint64_t)>,
    // Who did what.
    handles<void(audit_atom, audit_record)>>;

/// Pages of the catalogue, each from a snapshot. Detached, a small pool.
using catalogue_reader_actor = reporting_actor::extend<
    // The named workspace (not_found), or all with an empty name.
    handles<std::vector<workspace_record>(list_workspaces_atom, std::string)>,
    // One committed batch; not_found for pending and removed ones.
    handles<batch_record(batch_atom, batch_id)>,
    // Committed batches of a workspace above an id.
    handles<std::vector<batch_record>(list_batches_atom, workspace_id, batch_id)>,
    // Batches that are not finished.
    handles<std::vector<batch_id>(motion_atom)>,
    // Rows of a batch behind a path, packed.
    handles<packed_page(list_files_atom, batch_id, std::string)>,
    // Rows of packed paths, of the newest batch that holds each or of the named one.
    handles<packed_page(find_files_atom, workspace_id, batch_id, packed_page)>,
    // Rows that match, as a page.
    handles<found_page(find_atom, workspace_id, find_query)>,
    // One aggregation (not_found), or those of a batch above a number.
    handles<aggregation_record(aggregation_atom, aggregation_id)>,
    handles<std::vector<aggregation_record>(aggregations_atom, batch_id, uint32_t)>,
    // Registered files behind a path, for planning; and all from one path to another, for caching.
    handles<std::vector<file_entry>(entries_atom, batch_id, std::string)>,
    handles<std::vector<file_entry>(entries_atom, batch_id, std::string, std::string)>,
    // The first failed files of a batch.
    handles<std::vector<file_failure>(lost_atom, batch_id)>,
    handles<std::vector<volume_record>(volumes_atom)>,
    handles<std::vector<alert_record>(admin_alerts_atom, uint64_t)>,
    handles<retrieval_record(status_atom, retrieval_id)>,
    // All tokens; the one with a hash (not_found).
    handles<std::vector<token_record>(token_list_atom)>,
    handles<token_record(token_atom, std::string)>,
    // Audit records above a number.
    handles<std::vector<audit_record>(audit_atom, uint64_t)>,
    // The batch that a user's put became that the user's client named so; 0: none.
    handles<batch_id(request_atom, std::string, std::string)>>;

/// Keeps one batch supervisor for each batch in motion, a bounded number at once.
using batch_director_actor = reporting_actor::extend<
    // Starts (or queues) the supervision of a committed batch.
    handles<void(start_atom, batch_id)>,
    // Gives a batch up: true, it is removed and all its cache files leave; false, it is cancelled
    // and those that are not safe leave. Answers when its supervisor has been ended.
    handles<bool(cancel_atom, batch_id, bool)>,
    // From a supervisor: everything of its batch is safe or failed.
    handles<void(finished_atom, batch_id)>,
    // From the mount scheduler: these records changed by a flushed write.
    handles<void(safe_atom, std::vector<aggregation_record>)>,
    // From the mount scheduler: the cache copy cannot be used; it must be made again.
    handles<void(lost_atom, aggregation_id, std::string)>,
    // What a batch waits for, in words.
    handles<std::vector<std::string>(status_atom, batch_id)>,
    // For the live picture.
    handles<director_facts(observe_atom)>>;

/// One batch in motion: plans its aggregations and drives each to safety. Keeps nothing that the
/// catalogue lacks.
using batch_supervisor_actor = reporting_actor::extend<
    // Goes on with whatever the catalogue says is next (to itself, also after a delay).
    handles<void(tick_atom)>, handles<void(safe_atom, std::vector<aggregation_record>)>,
    handles<void(lost_atom, aggregation_id, std::string)>,
    handles<std::vector<std::string>(status_atom)>>;

/// What the actors of a node ask of the head, wherever that is. Error besides: node_lost while
/// there is no head.
using head_actor = reporting_actor::extend<
    // As of the registrar.
    handles<bool(evicted_atom, std::vector<aggregation_id>, std::string)>,
    // As of the alert publisher.
    handles<void(alert_atom, alert_record)>>;

/// The disk cache of a node: space, pins, eviction, and the queue for its cache writers.
using cache_keeper_actor = reporting_actor::extend<
    // Fills an aggregation when there is room and a free writer. Error: no_space is never answered
    // (it waits), cancelled when its batch is.
    handles<cached_aggregation(cached_atom, cache_job)>,
    // Room for a recall; waits for it. Answers with a reservation, given back with `release` or
    // turned into a cached, safe aggregation of that size with `keep`.
    handles<uint64_t(reserve_atom, uint64_t)>, handles<void(release_atom, uint64_t)>,
    handles<void(keep_atom, uint64_t, aggregation_id, uint64_t)>,
    // Aggregations that are safe on tape: their cache copies may leave.
    handles<void(safe_atom, std::vector<aggregation_id>)>,
    // Holds a cached aggregation for a reader; false when it is not cached.
    handles<bool(pin_atom, aggregation_id)>, handles<void(unpin_atom, aggregation_id)>,
    // The batch is removed or cancelled: queued jobs are cancelled; its cache files leave, with
    // true the safe ones too.
    handles<void(forget_atom, batch_id, bool)>,
    // The cache files behind an aggregation, by id, a page; and what the head says of them. One
    // that has not been judged is not evicted.
    handles<std::vector<held_file>(held_atom, aggregation_id)>,
    handles<bool(judged_atom, std::vector<held_file>)>,
    // The head is gone: what it asked for is given up, with its reservations and pins.
    handles<bool(abandon_atom)>,
    // Looks for what may leave (to itself).
    handles<void(tick_atom)>,
    // For the live picture.
    handles<keeper_facts(observe_atom)>>;

/// Takes an aggregation that is made on another node into the cache, in pieces of at most
/// max_packed_bytes, in order. Detached.
using cache_receiver_actor = reporting_actor::extend<
    // Begins one; answers with its number. It is dropped when the sender ends.
    handles<uint64_t(open_atom, aggregation_id)>,
    // The piece at an offset, which is how much has come so far.
    handles<bool(data_atom, uint64_t, uint64_t, bytes)>,
    // All of it has come: its size and checksum. Error: corrupt when it is not that.
    handles<bool(publish_atom, uint64_t, uint64_t, aggregation_checksum)>,
    // It will not be finished.
    handles<void(forget_atom, uint64_t)>>;

/// Reads source files as the requester and writes one aggregation at a time, into the node's cache
/// or to a receiver. Detached.
using cache_writer_actor = reporting_actor::extend<
    handles<cached_aggregation(write_atom, cache_job)>,
    // The last is a cache_receiver_actor.
    handles<cached_aggregation(write_atom, cache_job, caf::strong_actor_ptr)>>;

/// Lets clients of retrievals read from a node's cache without the head between.
using ticket_office_actor = reporting_actor::extend<
    // A retrieval may read an aggregation: recall number (0: the cache file). Answers with a ticket
    // that opens one session for it.
    handles<std::string(permit_atom, retrieval_id, aggregation_id, uint64_t)>,
    // It may not any more; it has ended.
    handles<void(forget_atom, retrieval_id, aggregation_id, uint64_t)>,
    handles<void(get_end_atom, retrieval_id)>,
    // A session has a ticket (not_authorised when it is no good). What it reads from then on.
    handles<retrieval_id(redeem_atom, std::string)>,
    handles<bytes(get_data_atom, retrieval_id, aggregation_id, uint64_t, uint32_t)>,
    // The head is gone.
    handles<void(abandon_atom)>>;

/// Reads cache files for clients. Detached, a small pool.
using cache_reader_actor = reporting_actor::extend<
    // Sends the client of a session a descriptor of a cache file: recall number (0: the cache
    // file), session. Answers with the number it has there, 0 when there is no channel or no room
    // in it.
    handles<uint64_t(lend_atom, aggregation_id, uint64_t, uint64_t)>,
    // Bytes of an aggregation: recall number (0: the cache file), offset, length.
    handles<bytes(read_atom, aggregation_id, uint64_t, uint64_t, uint32_t)>,
    // Deletes a part recall (0: the cache file).
    handles<bool(forget_atom, aggregation_id, uint64_t)>>;

/// Decides what is mounted where and for what.
using mount_scheduler_actor = reporting_actor::extend<
    // Puts a CACHED aggregation into the queue for tape; the director hears of the outcome.
    handles<bool(write_atom, tape_item)>,
    // Brings ranges from tape into the cache; answers when they are there.
    handles<recall_outcome(recall_atom, recall_job)>,
    // Drops what is queued for a removed batch.
    handles<void(cancel_atom, batch_id)>,
    // Gives up a queued recall.
    handles<void(cancel_atom, uint64_t)>,
    // Volumes above a barcode: a page, in order, cartridges without a record included.
    handles<std::vector<volume_record>(volumes_atom, barcode)>,
    // An administrator, by name, sets the status of a volume; answers with its record. Errors:
    // not_found, invalid_argument, unavailable while a drive works with it.
    handles<volume_record(volume_atom, barcode, volume_status, std::string)>,
    // What a volume, or the writing of an aggregation, waits for.
    handles<std::string(status_atom, aggregation_id)>,
    // Looks for work (to itself).
    handles<void(tick_atom)>,
    // The node whose drives can mount a volume; not_found when there is none.
    handles<std::string(place_atom, barcode)>,
    // A node with drives has joined, or is lost.
    handles<void(joined_atom, std::string)>, handles<void(left_atom, std::string)>,
    // An aggregation's cache copy is given up: it is not written any more.
    handles<void(lost_atom, aggregation_id)>,
    // Ends the running jobs after their current block and dismounts; answers when done.
    handles<bool(stop_atom)>,
    // For the live picture: all that is known, and the volumes that changed behind a revision.
    handles<scheduler_facts(observe_atom, uint64_t)>>;

/// Owns the changer. Detached.
using library_actor = reporting_actor::extend<handles<library_inventory(inventory_atom)>,
                                              // Moves a cartridge from its slot into a drive.
                                              handles<bool(mount_atom, barcode, uint32_t)>,
                                              // Moves the cartridge of an unloaded drive to its
                                              // home slot, or to any free one.
                                              handles<bool(dismount_atom, uint32_t)>>;

/// One drive: a mount session. Detached, one per drive.
using tape_drive_actor = reporting_actor::extend<
    // Loads, and checks the label or writes it on a blank volume; answers with the volume's record.
    handles<volume_record(mount_atom, volume_record)>,
    // Unloads.
    handles<bool(dismount_atom)>,
    // Answers when everything that was asked before has been done.
    handles<bool(settle_atom)>,
    // Writes aggregations from the cache, with one flush.
    handles<write_outcome(write_atom, write_job)>,
    // Reads ranges of an aggregation into the cache.
    handles<recall_outcome(read_atom, recall_job)>>;

/// Makes alerts durable and tells the log.
using alert_publisher_actor = reporting_actor::extend<
    // Never waits for anyone.
    handles<void(alert_atom, alert_record)>>;

/// Brings alerts to one target. Detached.
using alert_courier_actor = reporting_actor::extend<
    // From the registrar: there are new alerts.
    handles<void(alert_atom)>,
    // Goes on (to itself).
    handles<void(tick_atom)>>;

/// A courier and its bell: who sets it rings, so that one ring at most waits in the mailbox.
struct courier_entry {
  alert_courier_actor courier;
  std::shared_ptr<std::atomic<bool>> rung;
};

/// Asks every actor for its report.
using inspector_actor = caf::typed_actor<handles<std::vector<report>(admin_inspect_atom)>>;

/// One retrieval: what is ready from the cache, what comes from tape in which order.
using retrieval_supervisor_actor =
    reporting_actor::extend<handles<bool(get_want_atom, std::vector<wanted_range>, bool)>,
                            handles<delivery(get_next_atom)>,
                            handles<bytes(get_data_atom, aggregation_id, uint64_t, uint32_t)>,
                            handles<bool(get_done_atom, wanted_range)>,
                            // Ends it; answered when that is recorded, or cannot be.
                            handles<bool(get_end_atom, retrieval_outcome)>,
                            // The wait of a get_next is over (to itself).
                            handles<void(tick_atom, uint64_t)>,
                            // What it is doing.
                            handles<retrieval_status(status_atom)>,
                            // Ends it in the name of a user: everything that the client asks from
                            // now on is answered with cancelled.
                            handles<retrieval_record(cancel_atom, std::string)>>;

/// Knows the running retrievals of all sessions.
using retrieval_director_actor = reporting_actor::extend<
    // A retrieval begins: its record and its retrieval_supervisor, which is watched.
    handles<void(enter_atom, retrieval_record, caf::strong_actor_ptr)>,
    // What a running retrieval is doing (not_found), or those of a workspace; workspace 0: of all.
    handles<retrieval_status(status_atom, retrieval_id)>,
    handles<std::vector<retrieval_status>(list_retrievals_atom, workspace_id)>,
    // Ends a running retrieval in the name of a user (not_found).
    handles<retrieval_record(cancel_atom, retrieval_id, std::string)>>;

class metrics;
class node_roster;

/// New ones, all at zero.
std::shared_ptr<metrics> make_metrics();
/// New, empty.
std::shared_ptr<node_roster> make_roster();

/// The handles that actors of one node know each other by. Filled once by actors/system before the
/// first message flows.
struct service_actors {
  std::string node;  ///< the name of this one
  head_actor head;
  std::shared_ptr<node_roster> nodes =
      make_roster();  ///< that hold or read data, this one included; never null
  registrar_actor registrar;
  std::vector<catalogue_reader_actor> readers;
  batch_director_actor director;
  retrieval_director_actor retrievals;
  cache_keeper_actor keeper;
  std::vector<cache_writer_actor> writers;
  std::vector<cache_reader_actor> cache_readers;
  std::vector<cache_receiver_actor> receivers;
  ticket_office_actor tickets;
  mount_scheduler_actor scheduler;
  library_actor library;
  std::vector<tape_drive_actor> drives;
  alert_publisher_actor alerts;
  std::vector<courier_entry> couriers;
  inspector_actor inspector;
  caf::strong_actor_ptr membership;                    ///< membership_actor of the cluster
  std::shared_ptr<metrics> measures = make_metrics();  ///< never null

  /// A reader for a number that spreads the load.
  const catalogue_reader_actor& reader(uint64_t spread) const {
    return readers[spread % readers.size()];
  }
};

using actors_ptr = std::shared_ptr<const service_actors>;

}  // namespace et
