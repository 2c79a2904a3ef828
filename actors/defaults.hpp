// Every named bound and time-out of the service, with its value where no configuration sets
// another.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace et::defaults {

using namespace std::chrono_literals;

/// A request that only touches memory of another actor.
constexpr auto request_timeout = 30s;
/// A request that waits for disk: registrar, readers.
constexpr auto catalogue_timeout = 120s;
/// What a client waits for one answer of its session.
constexpr auto client_timeout = 150s;
/// A command client waits for the front door.
constexpr auto connect_timeout = 10s;
/// A client waits for a node that has its data, to be connected and for one answer. Then it has
/// them by way of the head, and does not connect to that node again for a while.
constexpr auto data_connect_timeout = 3s;
constexpr auto data_timeout = 60s;
constexpr auto data_retry_wait = 60s;
/// After so many lost connections to such nodes a client has everything by way of the head.
constexpr size_t max_lost_data_nodes = 16;
/// get_next answers after this with `waiting`.
constexpr auto delivery_wait = 1s;
/// A move of the changer, with the drive's load or unload.
constexpr auto library_timeout = 300s;
/// Writing or reading one job on a drive.
constexpr auto drive_timeout = 360min;
/// Filling one aggregation in the cache.
constexpr auto cache_write_timeout = 360min;

/// Delivering alerts once, and the part of it that connects.
constexpr auto alert_delivery_timeout = 30s;
constexpr auto alert_connect_timeout = 10s;
/// The first and the longest wait before a failed delivery is tried again.
constexpr auto alert_first_retry = 1s;
constexpr auto alert_last_retry = 5min;

/// Entries in one put chunk, rows in one page.
constexpr size_t page_rows = 4096;
/// Batches, aggregations, alerts in one page.
constexpr size_t page_records = 512;

/// Sessions at once, of all users and of one.
constexpr size_t max_sessions = 128;
constexpr size_t max_sessions_per_user = 64;
/// A session without a request for this long is ended.
constexpr auto session_idle_timeout = 30min;
/// A connection that has not finished its handshake by then is closed.
constexpr auto handshake_timeout = 10s;
/// Address space of a session process.
constexpr uint64_t session_memory_bytes = 2ull << 30;
/// Payload of one framework message on a checked link.
constexpr uint32_t max_link_payload_bytes = 4u << 20;
/// Uploads and retrievals at once of one session.
constexpr size_t max_uploads_per_session = 4;
constexpr size_t max_retrievals_per_session = 4;
/// Requests of one session that are being worked on.
constexpr size_t max_requests_per_session = 64;
/// Ranges of one retrieval.
constexpr size_t max_ranges_per_retrieval = 1u << 20;

/// The monitor: threads that make answers, requests that wait for one of them, and connections that
/// have not sent their request yet; the oldest goes when there are more.
constexpr size_t monitor_threads = 8;
constexpr size_t monitor_queue = 64;
constexpr size_t monitor_connections = 512;
/// Of a request: its line and headers, and the time in which they must come, TLS included.
constexpr size_t monitor_request_bytes = 16 * 1024;
constexpr auto monitor_request_timeout = 10s;
/// Answers that are made or sent at once; with one more, the one that waits longest for its client
/// is cut.
constexpr size_t monitor_answers = 128;
/// A client that takes nothing for so long, or an answer that is not sent by then, is cut.
constexpr auto monitor_stall_timeout = 30s;
constexpr auto monitor_answer_timeout = 15min;
/// Files in one piece of a page, and about how many bytes are sent at once.
constexpr size_t monitor_page_rows = 1024;
constexpr size_t monitor_piece_bytes = 64 * 1024;
/// In the live picture: batches in motion, alerts, and how old it may be.
constexpr size_t live_batches = 200;
constexpr size_t live_alerts = 20;
constexpr auto live_age = 500ms;
constexpr auto live_patience = 2s;
/// Volumes in one answer of the scheduler.
constexpr size_t live_volumes_page = 2000;
/// How long throughput is kept.
constexpr size_t live_seconds = 600;
constexpr size_t live_minutes = 1440;
/// On the dashboard: of each kind on the overview, rows of a page, failed files on a batch's page,
/// and alerts that are looked at for a page of some of them.
constexpr size_t dashboard_batches = 20;
constexpr size_t dashboard_retrievals = 10;
constexpr size_t dashboard_drives = 32;
constexpr size_t dashboard_volumes = 200;
constexpr size_t dashboard_workspaces = 8;
constexpr size_t dashboard_alerts = 8;
constexpr size_t dashboard_rows = 100;
constexpr size_t dashboard_failures = 20;
constexpr size_t dashboard_alert_scan = 8192;
/// Pages that stay open for events: of all, and of one user, or of one address without users.
constexpr size_t monitor_event_streams = 128;
constexpr size_t monitor_event_streams_per_viewer = 32;
/// How often each is asked for events, and how long a stream may say nothing.
constexpr auto monitor_event_period = 1s;
constexpr auto monitor_event_heartbeat = 15s;
/// Events that a client has not taken; with more it is closed.
constexpr size_t monitor_event_bytes = 1024 * 1024;
/// Requests with a bad login that the log tells one by one, a minute.
constexpr size_t monitor_refusals_logged = 10;
/// Logins for the monitor of one user that are not revoked.
constexpr size_t max_tokens_per_user = 64;
/// Alerts in a feed.
constexpr size_t feed_alerts = 100;

/// Batches whose supervisors work at the same time; others wait their turn.
constexpr size_t max_batches_in_motion = 64;
/// Aggregations of one batch that are being cached at once.
constexpr size_t max_caching_per_batch = 3;
/// Files in one aggregation.
constexpr uint64_t max_files_per_aggregation = 65'536;
/// Failed work of a supervisor is tried again after this.
constexpr auto retry_delay = 2s;

}  // namespace et::defaults
