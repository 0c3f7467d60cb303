#include "host/cli/backend_choice.hpp"

#include <algorithm>

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/backend_team.hpp"
#include "host/evaluation/cuda_backend.hpp"

namespace spacemoe {
namespace {

constexpr std::uint64_t most_devices = 1024;

/// The numbers that the text of the option lists.
std::vector<int> device_numbers(Arguments& arguments, std::string const& text) {
  std::vector<int> devices;
  if (text.find_first_not_of("0123456789,") != std::string::npos) {
    arguments.complain("device", "'" + text + "' names no devices", "give numbers, such as 0 or 0,1, or all");
    return devices;
  }
  auto const numbers = arguments.numbers("device", most_devices - 1);
  if (!numbers) return devices;
  for (std::uint64_t const number : *numbers) {
    int const device = static_cast<int>(number);
    if (std::ranges::count(devices, device) > 0) {
      arguments.complain("device", "device " + std::to_string(device) + " is given twice", "give it once");
    }
    devices.push_back(device);
  }
  return devices;
}

bool is_usable(CudaStatus const& status) {
  return !status.devices.empty() && cuda_device_refusal(status.devices.front().index).empty();
}

std::unique_ptr<Backend> make_cuda_team(std::vector<int> const& devices) {
  if (devices.size() == 1) return make_cuda_backend(devices.front());
  std::vector<std::unique_ptr<Backend>> members;
  for (int const device : devices) members.push_back(make_cuda_backend(device));
  return make_backend_team(std::move(members));
}

}  // namespace

std::vector<OptionSpec> backend_options() {
  return {
      {"backend", "NAME", "auto, cpu or cuda; changes no result"},
      {"device", "N,N",
       "GPUs that share the work, as numbered by spacemoe devices, or all (default: 0); changes no result"}};
}

BackendChoice backend_choice(Arguments& arguments) {
  BackendChoice choice{arguments.choice("backend", {"auto", "cpu", "cuda"}), {}, false};
  auto const text = arguments.text("device");
  choice.all_devices = text == "all";
  if (text && !choice.all_devices) choice.devices = device_numbers(arguments, *text);
  if (text && choice.word == "cpu")
    arguments.complain("device", "the cpu backend has no devices", "leave one of the two out");
  return choice;
}

std::unique_ptr<Backend> make_backend(BackendChoice const& choice) {
  if (!choice.devices.empty()) return make_cuda_team(choice.devices);
  if (choice.word == "cpu") return make_cpu_backend();
  CudaStatus const status = cuda_status();
  if (choice.all_devices && !status.devices.empty()) {
    std::vector<int> all;
    for (CudaDevice const& device : status.devices) all.push_back(device.index);
    return make_cuda_team(all);
  }
  bool const named = choice.word == "cuda" || choice.all_devices;
  return named || is_usable(status) ? make_cuda_backend(0) : make_cpu_backend();
}

}  // namespace spacemoe
