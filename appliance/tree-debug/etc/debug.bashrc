# Of root's shell on the console of the debug variant.
PS1='DEBUG VARIANT \w # '
# what coreutils and the like would be
for applet in $(busybox --list); do
	command -v "$applet" >/dev/null || alias "$applet=busybox $applet"
done
unset applet
