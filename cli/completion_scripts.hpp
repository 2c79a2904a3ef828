// The scripts that shells source to complete our commands. They ask `elastictape complete`.
#pragma once

#include <string>

namespace et {

/// For `source`, or as a file of bash-completion's folder under each name of the program.
std::string bash_completion_script();

/// For `source`, or as the file `_elastictape` in a folder of zsh's fpath.
std::string zsh_completion_script();

}  // namespace et
