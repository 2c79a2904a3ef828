#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"
#include "actors/node_roster.hpp"
#include "actors/scheduler_parts.hpp"

namespace et::scheduling {

namespace {

/// Trouble of a library.
std::string inventory_of(const std::string& node) {
  return "library of node " + node + ": inventory";
}

void take_inventory(self_pointer self, const std::string& node);

node_roster::entry with_library(self_pointer self, const std::string& node) {
  auto found = self->state.actors->nodes->find(node);
  return found && found->up && found->library ? found : nullptr;
}

/// The number in the plan of a drive of a node.
std::optional<uint32_t> number_of(const mount_plan& plan, const std::string& node,
                                  uint32_t number) {
  for (uint32_t i = 0; i < plan.drives().size(); ++i)
    if (plan.drives()[i].node == node && plan.drives()[i].number == number) return i;
  return std::nullopt;
}

/// Without an inventory nothing can be mounted: it is asked for until there is one.
void inventory_failed(self_pointer self, const std::string& node, const std::string& why) {
  auto& state = self->state;
  state.asking.erase(node);
  trouble(self, inventory_of(node),
          "the inventory of the library of node " + node +
              " cannot be had, nothing is mounted there: " + why);
  self->delayed_send(self, std::chrono::milliseconds{state.options.policy.drive_rest_ms},
                     joined_atom_v, node);
}

/// A drive that keeps its cartridge does not keep the others from working.
void empty_drive(self_pointer self, const node_roster::entry& of, uint32_t number,
                 const barcode& left) {
  auto failed = [=](const caf::error& error) {
    auto drive = *number_of(*self->state.plan, of->name, number);
    auto& slot = self->state.plan->drive(drive);
    slot.mounted = left;
    slot.left_loaded = true;
    slot.away = false;
    drive_failed(self, drive, dismounting, "cannot be emptied at start: " + text_of(error));
    take_inventory(self, of->name);
  };
  // A node that was only frozen or cut off still has it loaded.
  auto unloaded = [=] {
    self->request(of->library, defaults::library_timeout, dismount_atom_v, number)
        .then([=](bool) { take_inventory(self, of->name); }, failed);
  };
  self->request(of->drives[number], defaults::library_timeout, dismount_atom_v)
      .then([=](bool) { unloaded(); }, [=](const caf::error&) { unloaded(); });
}

/// Barcodes that another library has as well: theirs are not used.
void refuse_doubles(self_pointer self, const std::string& node, std::vector<barcode>& present) {
  std::erase_if(present, [&](const barcode& id) {
    auto other = self->state.plan->place_of(id);
    if (!other || *other == node) return false;
    trouble(self, "cartridge " + id.value + " of node " + node,
            "cartridge " + id.value + " of node " + node + " has the barcode of one of node " +
                *other + " and is not used; give it another, or set library.barcode_prefix");
    return true;
  });
}

void inventory_taken(self_pointer self, const node_roster::entry& of,
                     const library_inventory& all) {
  auto& state = self->state;
  auto& plan = *state.plan;
  auto present = all.in_slots;
  for (auto& id : all.in_drives)
    if (!id.value.empty()) present.push_back(id);
  refuse_doubles(self, of->name, present);
  for (auto& id : present) {
    if (plan.volumes().count(id)) continue;
    volume_record blank;
    blank.id = id;
    plan.set_volume(blank);
  }
  plan.set_present(present, of->name);
  plan.set_drives(of->drives.size(), of->name);
  state.asking.erase(of->name);
  state.ready = true;
  state.slots[of->name] = all.slots;
  trouble_over(self, inventory_of(of->name));
  fail_hopeless_recalls(self);
  spdlog::info("library of node {}: {} cartridges, {} drives, {} volumes in the catalogue",
               of->name, present.size(), all.in_drives.size(), plan.volumes().size());
  go_on(self);
}

void take_inventory(self_pointer self, const std::string& node) {
  auto of = with_library(self, node);
  if (!of) {
    self->state.asking.erase(node);
    return;
  }
  self->request(of->library, defaults::library_timeout, inventory_atom_v)
      .then(
          [=](const library_inventory& all) {
            auto& plan = *self->state.plan;
            // Cartridges that a former run left in drives go home.
            for (uint32_t i = 0; i < all.in_drives.size() && i < of->drives.size(); ++i) {
              auto drive = number_of(plan, node, i);
              if (!drive || all.in_drives[i].value.empty() || plan.drive(*drive).left_loaded)
                continue;
              empty_drive(self, of, i, all.in_drives[i]);
              return;
            }
            inventory_taken(self, of, all);
          },
          [=](const caf::error& error) { inventory_failed(self, node, text_of(error)); });
}

/// Drives that come back begin anew; what they were doing has failed.
void renew_drives(self_pointer self, const node_roster::entry& of) {
  auto& plan = *self->state.plan;
  plan.set_drives(of->drives.size(), of->name);
  for (uint32_t i = 0; i < plan.drives().size(); ++i) {
    auto& slot = plan.drive(i);
    if (slot.node != of->name) continue;
    slot.away = true;
    slot.mounted.reset();
    slot.left_loaded = false;
  }
}

}  // namespace

void node_joined(self_pointer self, const std::string& node) {
  auto& state = self->state;
  state.plan->set_found(node);
  auto of = with_library(self, node);
  if (!of || !state.volumes_known || !state.asking.insert(node).second) return go_on(self);
  renew_drives(self, of);
  take_inventory(self, node);
}

void begin(self_pointer self) {
  self->request(self->state.actors->reader(0), defaults::catalogue_timeout, volumes_atom_v)
      .then(
          [=](const std::vector<volume_record>& volumes) {
            auto& state = self->state;
            state.volumes_known = true;
            for (auto& volume : volumes) state.plan->set_volume(volume);
            for (auto& node : state.actors->nodes->all())
              if (node->up) node_joined(self, node->name);
          },
          [=](const caf::error& error) {
            spdlog::error("the catalogue's volumes cannot be read: {}", text_of(error));
            self->delayed_send(self, defaults::retry_delay, tick_atom_v);
          });
}

const tape_drive_actor& drive_of(self_pointer self, uint32_t drive) {
  auto& slot = self->state.plan->drive(drive);
  return self->state.actors->nodes->find(slot.node)->drives[slot.number];
}

const library_actor& library_of(self_pointer self, uint32_t drive) {
  return self->state.actors->nodes->find(self->state.plan->drive(drive).node)->library;
}

}  // namespace et::scheduling
