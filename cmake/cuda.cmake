# The CUDA backend, or its absent twin: either way a library spacemoe_cuda with the functions of
# host/evaluation/cuda_backend.hpp. Included at the top, since CMake wants languages enabled there.

set(SPACEMOE_CUDA AUTO CACHE STRING "Build the CUDA backend: AUTO (when a CUDA compiler is found), ON or OFF")
set_property(CACHE SPACEMOE_CUDA PROPERTY STRINGS AUTO ON OFF)
set(SPACEMOE_CUDART_DIR "" CACHE PATH
  "Folder of a libcudart.so.13 to run the device tests with, such as a simulator's; the runtime is linked shared")

set(cuda_found FALSE)
if(NOT SPACEMOE_CUDA STREQUAL "OFF")
  # The toolkit's usual place is on nobody's PATH.
  if(NOT DEFINED CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    find_program(SPACEMOE_NVCC nvcc HINTS ENV CUDA_PATH PATHS /usr/local/cuda/bin)
    mark_as_advanced(SPACEMOE_NVCC)
    if(SPACEMOE_NVCC)
      set(CMAKE_CUDA_COMPILER ${SPACEMOE_NVCC})
    endif()
  endif()
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80 CACHE STRING "CUDA architectures; without -real or -virtual: both")
  endif()
  if(SPACEMOE_CUDART_DIR)
    set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(cuda_found TRUE)
  elseif(SPACEMOE_CUDA STREQUAL "ON")
    message(FATAL_ERROR "SPACEMOE_CUDA is ON, but no CUDA compiler was found; set CMAKE_CUDA_COMPILER or CUDACXX")
  endif()
endif()

if(cuda_found)
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  # CMake 3.25.1 does not know how nvcc 12 and later take C++20.
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  endif()
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  set(CMAKE_CUDA_EXTENSIONS OFF)
  file(GLOB cuda_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cuda/*.cu ${PROJECT_SOURCE_DIR}/cuda/*.cpp)
  list(REMOVE_ITEM cuda_sources ${PROJECT_SOURCE_DIR}/cuda/absent.cpp)
  add_library(spacemoe_cuda STATIC ${cuda_sources})
  if(SPACEMOE_CUDART_DIR)
    target_link_libraries(spacemoe_cuda PUBLIC CUDA::cudart)
  else()
    target_link_libraries(spacemoe_cuda PUBLIC CUDA::cudart_static)
  endif()
  # No -Wpedantic: the code that nvcc makes has line markers of its own. No relaxed constexpr: it lets kernels call
  # functions of the standard library whose compiler built-ins the device lacks, and compiles them to nonsense.
  target_compile_options(spacemoe_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:
    -fmad=false -lineinfo -Werror=all-warnings
    -Xcompiler=-ffp-contract=off,-Wall,-Wextra,-Wshadow,-Wconversion,-Wsign-conversion,-Werror>)
else()
  add_library(spacemoe_cuda STATIC ${PROJECT_SOURCE_DIR}/cuda/absent.cpp)
endif()
target_link_libraries(spacemoe_cuda PUBLIC spacemoe_evaluation)
