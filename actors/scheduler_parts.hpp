// What the parts of the mount scheduler share: mount_scheduler.cpp acts out the plan,
// scheduler_inventory.cpp learns what the library holds, scheduler_volumes.cpp keeps the troubles
// and statuses of drives and volumes.
#pragma once

#include "actors/mount_scheduler.hpp"

namespace et::scheduling {

using self_pointer = mount_scheduler_actor::stateful_pointer<mount_scheduler_state>;

/// What a drive may fail at: one trouble each.
constexpr auto* writing = "writing";
constexpr auto* reading = "reading";
constexpr auto* dismounting = "dismounting";
constexpr auto* recording = "recording";

/// Acts out whatever the plan has next.
void go_on(self_pointer self);

/// Asks for the volumes in the catalogue, then for the inventories of the libraries.
void begin(self_pointer self);
/// A node has joined: its library's inventory is asked for until there is one; then its drives
/// work.
void node_joined(self_pointer self, const std::string& node);

/// Handles of a drive by its number in the plan, and of its library.
const tape_drive_actor& drive_of(self_pointer self, uint32_t drive);
const library_actor& library_of(self_pointer self, uint32_t drive);

void alert(self_pointer self, severity level, std::string text);
/// The alert of a trouble that has just begun; the log has each time it shows.
void trouble(self_pointer self, const std::string& subject, const std::string& what);
void trouble_over(self_pointer self, const std::string& subject);
std::string subject_of(uint32_t drive, const char* doing);
/// A drive or its cartridge failed: both rest, and the log and operators hear of it.
void drive_failed(self_pointer self, uint32_t drive, const char* doing, const std::string& what);

void recall_ended(self_pointer self, const recall_outcome& outcome);
/// Nobody waits for a volume that cannot be mounted.
void fail_hopeless_recalls(self_pointer self);

/// A volume failed, or is not the one that it should be: it is not written, or not even mounted,
/// any more.
void keep_out(self_pointer self, const barcode& id, volume_status status, const std::string& why);
/// What an administrator says about a volume.
caf::result<volume_record> set_status(self_pointer self, const barcode& id, volume_status status,
                                      const std::string& by);

}  // namespace et::scheduling
