#include "host/cli/backend_choice.hpp"

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/cuda_backend.hpp"

namespace spacemoe {
namespace {

constexpr std::uint64_t most_devices = 1024;

}  // namespace

std::vector<OptionSpec> backend_options() {
  return {{"backend", "NAME", "auto, cpu or cuda; changes no result"},
          {"device", "N", "GPU to use, as numbered by spacemoe devices (default: 0); changes no result"}};
}

BackendChoice backend_choice(Arguments& arguments) {
  std::string const word = arguments.choice("backend", {"auto", "cpu", "cuda"});
  auto const device = arguments.number("device", 0, most_devices - 1);
  if (device && word == "cpu")
    arguments.complain("device", "the cpu backend has no devices", "leave one of the two out");
  return {word, device ? std::optional(static_cast<int>(*device)) : std::nullopt};
}

std::unique_ptr<Backend> make_backend(BackendChoice const& choice) {
  bool const named = choice.word == "cuda" || choice.device.has_value();
  if (named || (choice.word == "auto" && !cuda_status().devices.empty()))
    return make_cuda_backend(choice.device.value_or(0));
  return make_cpu_backend();
}

}  // namespace spacemoe
