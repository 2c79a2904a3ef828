#include "actors/library.hpp"

#include "actors/actor_base.hpp"

namespace et {

using tape::element;
using tape::element_kind;

caf::expected<library_inventory> library_state::inventory() {
  auto elements = changer->inventory();
  if (!elements) return elements.error();
  library_inventory all;
  for (auto& status : *elements) {
    if (status.where.kind == element_kind::drive)
      all.in_drives.push_back(status.cartridge.value_or(barcode{}));
    if (status.where.kind != element_kind::slot) continue;
    ++all.slots;
    if (status.cartridge) all.in_slots.push_back(*status.cartridge);
  }
  return all;
}

caf::error library_state::mount(const barcode& volume, uint32_t drive) {
  auto elements = changer->inventory();
  if (!elements) return elements.error();
  for (auto& status : *elements) {
    if (status.cartridge != volume) continue;
    if (status.where == element{element_kind::drive, drive}) return caf::none;
    if (status.where.kind == element_kind::drive)
      return fail(errc::device_error,
                  "cartridge " + volume.value + " is in another drive, " + to_string(status.where));
    ++moves;
    return changer->move(status.where, {element_kind::drive, drive});
  }
  return fail(errc::no_medium, "cartridge " + volume.value +
                                   " is not in the library; put it back or export the volume");
}

caf::error library_state::dismount(uint32_t drive) {
  auto elements = changer->inventory();
  if (!elements) return elements.error();
  std::optional<uint32_t> home;
  std::optional<uint32_t> free;
  bool loaded = false;
  for (auto& status : *elements) {
    if (status.where == element{element_kind::drive, drive}) {
      loaded = status.cartridge.has_value();
      home = status.home_slot;
    }
  }
  if (!loaded) return caf::none;
  for (auto& status : *elements) {
    if (status.where.kind != element_kind::slot || status.cartridge) continue;
    if (!free || status.where.number == home) free = status.where.number;
  }
  if (!free)
    return fail(errc::slot_occupied, "no slot of the library is free for the cartridge in drive " +
                                         std::to_string(drive));
  ++moves;
  return changer->move({element_kind::drive, drive}, {element_kind::slot, *free});
}

library_actor::behavior_type library(library_actor::stateful_pointer<library_state> self,
                                     tape::changer* changer) {
  guard(self);
  self->state.changer = changer;
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        return std::vector<report>{
            report_of(self, changer->name(), {{"moves", std::to_string(self->state.moves)}})};
      },
      [=](inventory_atom) -> caf::result<library_inventory> { return self->state.inventory(); },
      [=](mount_atom, const barcode& volume, uint32_t drive) -> caf::result<bool> {
        if (auto error = self->state.mount(volume, drive)) return error;
        return true;
      },
      [=](dismount_atom, uint32_t drive) -> caf::result<bool> {
        if (auto error = self->state.dismount(drive)) return error;
        return true;
      },
  };
}

}  // namespace et
