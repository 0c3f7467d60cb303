#include <cstdio>
#include <iostream>
#include <string>

#include "host/cli/commands.hpp"
#include "host/errors.hpp"
#include "host/evaluation/cuda_backend.hpp"
#include "host/simd.hpp"

namespace spacemoe {
namespace {

std::string version_text(int version) {
  if (version == 0) return "none";
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string gib_text(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GiB", static_cast<double>(bytes) / (1 << 30));
  return text;
}

void print_cpu() {
  std::cout << "cpu   instruction sets:";
  for (InstructionSet const set : available_instruction_sets()) std::cout << ' ' << name(set);
  std::cout << "; in use: " << name(instruction_set()) << '\n';
}

void print_cuda(CudaStatus const& status) {
  std::cout << "cuda  ";
  if (!status.devices.empty()) {
    std::cout << status.devices.size() << (status.devices.size() == 1 ? " device" : " devices");
  } else {
    std::cout << "absent: " << status.absent_because;
  }
  if (status.built) {
    std::cout << "; CUDA of the driver: " << version_text(status.driver_version)
              << ", of this program: " << version_text(status.runtime_version);
  }
  std::cout << '\n';
  for (CudaDevice const& device : status.devices) {
    std::cout << "      device " << device.index << ": " << device.name << ", "
              << gib_text(device.memory_bytes) << ", compute capability " << device.compute_major << '.'
              << device.compute_minor << ", " << device.multiprocessors << " multiprocessors";
    std::string const refusal = cuda_device_refusal(device.index);
    if (!refusal.empty()) std::cout << "; cannot be used: " << refusal;
    std::cout << '\n';
  }
}

}  // namespace

int devices_command(Invocation const& invocation) {
  bool const help =
      invocation.words.size() == 1 && (invocation.words[0] == "--help" || invocation.words[0] == "-h");
  if (help) {
    std::cout << "The backends of this program and the devices they find\nUsage:\n  spacemoe devices\n";
    return 0;
  }
  if (!invocation.words.empty()) {
    throw ScenarioError(
        {"spacemoe devices", "'" + invocation.words[0] + "' was given, nothing expected", ""});
  }
  print_cpu();
  print_cuda(cuda_status());
  return 0;
}

}  // namespace spacemoe
