// How often what goes wrong. All rates are per call, message or second, as said; a seed picks them
// for its run, and the end of a run sets them to zero.
#pragma once

#include "tests/simulation/dice.hpp"

namespace et::simulation {

struct faults {
  // Of drives and changers, per call.
  double load = 0;
  double unload = 0;
  double read = 0;
  double misread = 0;  ///< a block comes with another byte in it, unnoticed
  double write = 0;
  double flush = 0;
  double locate = 0;
  double early_end = 0;  ///< a write finds the medium full
  double changer = 0;    ///< a move or an inventory is refused
  // Of machines, per step of the world.
  double crash = 0;
  double pause = 0;
  double stop = 0;  ///< an orderly one
  double slow = 0;  ///< of one machine, or of all links, for a while
  // Of links, per step of the world.
  double cut = 0;
  double silence = 0;
  // Per step of the world.
  double clock_jump = 0;
  double flip = 0;        ///< a byte of a cartridge changes
  double spoil = 0;       ///< a byte of a file in a cache changes
  double power_loss = 0;  ///< of crashes: what was not synced is lost or torn as well
  // Of disks, per call.
  double disk_write = 0;
  double disk_full = 0;
  double disk_sync = 0;
  double disk_read = 0;

  /// Some kinds, at rates that the dice decide.
  static faults random(dice& with) {
    faults all;
    auto pick = [&](double& rate, double how_often, double low, double high) {
      if (!with.chance(how_often)) return;
      rate = low + (high - low) * static_cast<double>(with.below(1000)) / 1000;
    };
    pick(all.load, 0.3, 0.001, 0.1);
    pick(all.unload, 0.3, 0.001, 0.1);
    pick(all.read, 0.3, 0.0001, 0.01);
    pick(all.write, 0.3, 0.0001, 0.01);
    pick(all.flush, 0.3, 0.001, 0.1);
    pick(all.locate, 0.3, 0.001, 0.05);
    pick(all.early_end, 0.2, 0.0001, 0.003);
    pick(all.changer, 0.3, 0.001, 0.1);
    pick(all.crash, 0.7, 0.00002, 0.0008);
    pick(all.pause, 0.3, 0.00001, 0.001);
    pick(all.cut, 0.5, 0.00002, 0.002);
    pick(all.silence, 0.3, 0.00002, 0.001);
    pick(all.clock_jump, 0.2, 0.00001, 0.0002);
    pick(all.flip, 0.4, 0.00001, 0.0003);
    pick(all.power_loss, 0.6, 0.1, 1.0);
    pick(all.disk_write, 0.15, 0.00002, 0.002);
    pick(all.disk_full, 0.15, 0.00002, 0.002);
    pick(all.disk_sync, 0.15, 0.00002, 0.004);
    pick(all.disk_read, 0.1, 0.00001, 0.0005);
    pick(all.misread, 0.2, 0.005, 0.1);
    pick(all.stop, 0.4, 0.00002, 0.0005);
    pick(all.slow, 0.3, 0.00002, 0.0005);
    pick(all.spoil, 0.3, 0.00002, 0.0005);
    return all;
  }
};

}  // namespace et::simulation
