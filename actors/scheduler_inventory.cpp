#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"
#include "actors/scheduler_parts.hpp"

namespace et::scheduling {

namespace {

/// Trouble of the library.
constexpr auto* inventory = "library: inventory";

/// Cartridges that a former run left in drives go home; then volumes and cartridges are matched.
void take_inventory(self_pointer self, const std::vector<volume_record>& volumes);

/// A drive that keeps its cartridge does not keep the others from working.
void empty_drive(self_pointer self, uint32_t drive, const barcode& left,
                 const std::vector<volume_record>& volumes) {
  self->request(self->state.actors->library, defaults::library_timeout, dismount_atom_v, drive)
      .then([=](bool) { take_inventory(self, volumes); },
            [=](const caf::error& error) {
              auto& slot = self->state.plan->drive(drive);
              slot.mounted = left;
              slot.left_loaded = true;
              drive_failed(self, drive, dismounting,
                           "cannot be emptied at start: " + text_of(error));
              take_inventory(self, volumes);
            });
}

/// Without an inventory nothing can be mounted: it is asked for until there is one.
void inventory_failed(self_pointer self, const std::string& why) {
  auto& state = self->state;
  state.asking = false;
  trouble(self, inventory, "the library's inventory cannot be had, nothing is mounted: " + why);
  self->delayed_send(self, std::chrono::milliseconds{state.options.policy.drive_rest_ms},
                     tick_atom_v);
}

void take_inventory(self_pointer self, const std::vector<volume_record>& volumes) {
  self->request(self->state.actors->library, defaults::library_timeout, inventory_atom_v)
      .then(
          [=](const library_inventory& all) {
            for (uint32_t i = 0; i < all.in_drives.size(); ++i)
              if (!all.in_drives[i].value.empty() && !self->state.plan->drive(i).left_loaded) {
                empty_drive(self, i, all.in_drives[i], volumes);
                return;
              }
            auto& plan = *self->state.plan;
            auto present = all.in_slots;
            for (auto& id : all.in_drives)
              if (!id.value.empty()) present.push_back(id);
            for (auto& id : present) {
              volume_record blank;
              blank.id = id;
              plan.set_volume(blank);
            }
            for (auto& volume : volumes) plan.set_volume(volume);
            plan.set_present(present);
            self->state.ready = true;
            self->state.slots = all.slots;
            trouble_over(self, inventory);
            fail_hopeless_recalls(self);
            spdlog::info("library: {} cartridges, {} drives, {} volumes in the catalogue",
                         present.size(), all.in_drives.size(), volumes.size());
            go_on(self);
          },
          [=](const caf::error& error) { inventory_failed(self, text_of(error)); });
}

}  // namespace

void begin(self_pointer self) {
  if (std::exchange(self->state.asking, true)) return;
  self->request(self->state.actors->reader(0), defaults::catalogue_timeout, volumes_atom_v)
      .then([=](const std::vector<volume_record>& volumes) { take_inventory(self, volumes); },
            [=](const caf::error& error) { inventory_failed(self, text_of(error)); });
}

}  // namespace et::scheduling
