#include <benchmark/benchmark.h>

#include "host/cpu/cpu_backend.hpp"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  spacemoe::with_threads(1, [] { benchmark::RunSpecifiedBenchmarks(); });
}
