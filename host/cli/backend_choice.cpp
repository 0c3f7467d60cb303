#include "host/cli/backend_choice.hpp"

#include "host/cpu/cpu_backend.hpp"
#include "host/errors.hpp"

namespace spacemoe {

std::unique_ptr<Backend> make_backend(std::string const& word) {
  if (word == "cuda")
    throw BackendError("cuda: this program was built without the CUDA backend; use --backend cpu");
  return make_cpu_backend();
}

}  // namespace spacemoe
