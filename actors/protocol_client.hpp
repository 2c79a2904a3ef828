// What a client may ask of its session: the one interface that crosses the front door.
//
// gateway (session process) and session_port (service) answer the same messages; the gateway bounds
// and passes on, the port authorises for the identity bound to it and does. Values only, no
// handles. Every error is a caf::error of ours: not_authorised, not_found, invalid_argument,
// limit_reached, timeout, unavailable and what the message names.
#pragma once

#include "actors/atoms.hpp"

namespace et {

using client_actor = caf::typed_actor<
    // First message: the client's version. Error: protocol when the versions cannot work together.
    handles<session_info(hello_atom, std::string)>,

    // Begins an upload to a workspace with a tag: a pending batch nobody sees. With true, files
    // that are held with the same size and mtime are left out, and changed ones are taken again.
    // The last string is what the client calls this put, 16 bytes, or empty: asked again with the
    // same, the service tells what became of it instead of beginning another.
    handles<upload_info(put_begin_atom, std::string, std::string, bool, std::string)>,
    // Adds entries (pack_entries) to the upload; answers with those not taken, by their index:
    // refused, or with errc::unchanged left out.
    handles<std::vector<entry_error>(put_chunk_atom, uint64_t, packed_page)>,
    // Makes the upload a batch, durably. Errors: over_quota, rejected when it is empty.
    handles<batch_record(put_commit_atom, uint64_t)>,
    // Forgets the upload.
    handles<bool(put_drop_atom, uint64_t)>,

    // The named workspace, or with an empty name all that the identity may see.
    handles<std::vector<workspace_record>(list_workspaces_atom, std::string)>,
    // Batches of a workspace with an id above the given one, ascending; a page, empty at the end.
    handles<std::vector<batch_record>(list_batches_atom, std::string, batch_id)>,
    // Files of a batch behind a path, as pack_rows; a page, empty at the end. Workspace, batch,
    // path.
    handles<packed_page(list_files_atom, std::string, batch_id, std::string)>,
    // Rows of listed paths (pack_strings), in their order, from the newest batch that holds each or
    // from the named one (0: newest). A path not held has a row with batch 0.
    handles<packed_page(find_files_atom, std::string, batch_id, packed_page)>,

    // Files of a workspace that match; a page. Error besides: invalid_argument (pattern).
    handles<found_page(find_atom, std::string, find_query)>,

    // Gives up what is not safe of a batch; answers with what it is then. Error besides:
    // invalid_argument when nothing of it is in motion.
    handles<batch_record(cancel_atom, std::string, batch_id)>,
    // Ends a running retrieval, of any session; answers with its record. Error besides:
    // invalid_argument when it has ended.
    handles<retrieval_record(cancel_atom, std::string, retrieval_id)>,
    // Removes a batch; answers with what it was.
    handles<batch_record(remove_atom, std::string, batch_id)>,
    // What a batch is doing; aggregations with a number above the given one.
    handles<batch_status(status_atom, std::string, batch_id, uint32_t)>,
    // What a retrieval is doing, or what became of it.
    handles<retrieval_status(status_atom, std::string, retrieval_id)>,
    // The running retrievals of a workspace.
    handles<std::vector<retrieval_status>(list_retrievals_atom, std::string)>,

    // Begins a retrieval in a workspace, of a batch (0: of listed files).
    handles<retrieval_record(get_begin_atom, std::string, batch_id)>,
    // Adds ranges that the client wants; `true` with the last ones.
    handles<bool(get_want_atom, retrieval_id, std::vector<wanted_range>, bool)>,
    // The next thing the retrieval has; answers within about a second, with `waiting` if nothing.
    handles<delivery(get_next_atom, retrieval_id)>,
    // Bytes of a range that is ready: offset and length, at most max_packed_bytes. For clients that
    // got no descriptor with it.
    handles<bytes(get_data_atom, retrieval_id, aggregation_id, uint64_t, uint32_t)>,
    // The client has all it needs of a range that was ready.
    handles<bool(get_done_atom, retrieval_id, wanted_range)>,
    // Ends the retrieval.
    handles<bool(get_end_atom, retrieval_id, retrieval_outcome)>,

    // Administrators: workspaces by record (name, roots, managers, quota).
    handles<workspace_record(admin_add_atom, workspace_record)>,
    handles<workspace_record(admin_set_atom, workspace_record)>,
    handles<bool(admin_remove_atom, std::string)>,
    // Administrators: what the inspector knows.
    handles<std::vector<report>(admin_inspect_atom)>,
    // Administrators: volumes above a barcode, a page; and setting the status of one.
    handles<std::vector<volume_record>(volumes_atom, barcode)>,
    handles<volume_record(volume_atom, barcode, volume_status)>,
    // Alerts above a number: those of workspaces the identity manages, or all for administrators.
    handles<std::vector<alert_record>(admin_alerts_atom, uint64_t)>,

    // Logins for the monitor: one's own, and for administrators those of everybody. The client has
    // made the token and sends its hash, so that the token itself is never here; an empty user is
    // the identity's. Errors besides: limit_reached; not_found, also for what is somebody else's.
    // Answers have no hash.
    handles<token_record(token_add_atom, token_record)>,
    handles<std::vector<token_record>(token_list_atom)>,
    handles<token_record(token_remove_atom, uint64_t)>,

    // Administrators: audit records above a number, a page.
    handles<std::vector<audit_record>(audit_atom, uint64_t)>,
    // Administrators: the nodes of the cluster; a join token by its hash and the time when it
    // expires; making this standby the head (true: even when the old one is connected or the copy
    // may lack something), answered with what was done.
    handles<std::vector<report>(nodes_atom)>, handles<bool(join_atom, std::string, int64_t)>,
    handles<std::string(promote_atom, bool)>>;

}  // namespace et
