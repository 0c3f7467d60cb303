#include <string>
#include <vector>

#include "host/cli/commands.hpp"

int main(int argc, char** argv) {
  return spacemoe::run(std::vector<std::string>(argv + (argc > 0), argv + argc));
}
