// What every actor of ours does the same way.
#pragma once

#include <spdlog/spdlog.h>

#include <string>

#include "actors/caf_compat.hpp"
#include "actors/messages.hpp"

namespace et {

/// No exception leaves a handler: it ends the actor with an error that its monitors see, and the
/// log says what it was.
template <class Self>
void guard(Self* self) {
  self->set_exception_handler([self](std::exception_ptr& thrown) -> caf::error {
    std::string what = "unknown exception";
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      what = e.what();
    } catch (...) {
    }
    spdlog::critical("{}: exception in a handler: {}", self->name(), what);
    return fail(errc::internal, std::string{self->name()} + ": " + what);
  });
}

/// The report of an actor itself, first in every actor's answer to the inspector.
template <class Self>
report report_of(Self* self, std::string name, std::vector<fact> facts = {}) {
  facts.insert(facts.begin(), fact{"mailbox", std::to_string(self->mailbox().size())});
  return report{"actor", std::move(name), std::move(facts)};
}

/// To be called by the handlers of an answer that was asked for with a long time-out, if there are
/// many: the framework keeps a time-out until it is over, unless the actor ends before.
template <class Self>
void forget_timeout(Self* self) {
  self->clock().cancel_request_timeout(self, self->current_mailbox_element()->mid);
}

/// An error handler that logs; `what` says what was being done.
inline auto log_error(std::string what) {
  return [what = std::move(what)](const caf::error& error) {
    spdlog::error("{}: {}", what, text_of(error));
  };
}

}  // namespace et
