#include "actors/alert_publisher.hpp"

#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"

namespace et {

alert_publisher_actor::behavior_type alert_publisher(
    alert_publisher_actor::stateful_pointer<alert_publisher_state> self, actors_ptr actors) {
  guard(self);
  self->state.actors = std::move(actors);
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        return std::vector<report>{report_of(self, "alert_publisher",
                                             {{"published", std::to_string(self->state.published)},
                                              {"lost", std::to_string(self->state.lost)}})};
      },
      [=](alert_atom, const alert_record& draft) {
        spdlog::log(draft.level == severity::error     ? spdlog::level::err
                    : draft.level == severity::warning ? spdlog::level::warn
                                                       : spdlog::level::info,
                    "alert: {}", draft.text);
        self->request(self->state.actors->registrar, defaults::catalogue_timeout, alert_atom_v,
                      draft)
            .then([=](const alert_record&) { ++self->state.published; },
                  [=](const caf::error& error) {
                    ++self->state.lost;
                    spdlog::error("alert not recorded: {}: {}", draft.text, text_of(error));
                  });
      },
  };
}

}  // namespace et
