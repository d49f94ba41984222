#include "module_state.h"

#include "dynlibmod/dynlibmod.h"

struct module_state *
module_state(struct module_env *env, int id)
{
	return ((struct dynlibmod_env *)env->modinfo[id])->dyn_env;
}
