// What RocksDB has to say goes to the service's log.
#pragma once

#include <rocksdb/env.h>

#include <memory>

namespace et {

/// A log for RocksDB: its warnings and errors become lines of spdlog's default logger, one each.
/// Its own log file would lie on the same disk, and Debian's build of RocksDB, which has
/// assertions, aborts the process at the second line that does not fit on a full one.
std::shared_ptr<rocksdb::Logger> make_engine_log();

}  // namespace et
