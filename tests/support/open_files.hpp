// Which descriptors of this program stand for files of a recorded disk.
#pragma once

#include "tests/support/recorded_disk.hpp"

namespace et::test {

struct open_file {
  recorded_disk* disk = nullptr;
  node_ptr node;
};

namespace open_files {

/// What `fd` stands for; `disk` is null for everything else. One look at a flag in that case.
open_file find(int fd);
void add(int fd, open_file file);
/// Before `fd` is closed, or becomes another one.
void forget(int fd);
/// `copy` is a duplicate of `fd`.
void copied(int fd, int copy);
/// Before a disk goes.
void forget_disk(recorded_disk* disk);

/// `path` in the folder that a descriptor stands for: absolute, and without dots.
std::string absolute(int folder, const char* path);

}  // namespace open_files
}  // namespace et::test
