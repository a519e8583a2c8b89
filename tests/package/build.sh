# Builds the Debian package: part of ./dev, which sources it.

# A copy without what git ignores, so that nothing of a build gets into the source, and nothing into ours.
copy_tree() {           # FROM TO
	mkdir -p "$2"
	if git -C "$1" rev-parse --git-dir >/dev/null 2>&1; then
		# What is deleted but not yet committed is still listed.
		(cd "$1" && git ls-files -z -co --exclude-standard | while IFS= read -r -d '' file; do
			[ -e "$file" ] && printf '%s\0' "$file"
		done | tar -c --null -T - -f -) | tar -x -f - -C "$2"
	else
		tar -c -C "$1" --exclude=./.dev --exclude=__pycache__ --exclude='./build*' -f - . | tar -x -f - -C "$2"
	fi
}

# Builds what lies in TREE, in its own folder.
build_package() {       # TREE
	local log=$work/package.log
	(cd "$1" && DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage --no-sign) >"$log" 2>&1 || { tail -n 40 "$log" >&2; fail "the package could not be built"; }
}

# Lintian looks at source and package together; what it calls an error or a warning is a failure.
check_package() {       # FOLDER
	lintian --fail-on error,warning --allow-root "$1"/vacd_*.changes || fail "lintian is not content"
}

make_package() {        # TREE FOLDER
	local made=$work/package
	step "building the package"
	rm -rf "$made"
	copy_tree "$1" "$made/vacd"
	build_package "$made/vacd"
	check_package "$made"
	rm -rf "$2"
	mkdir -p "$2"
	cp "$made"/vacd_*.deb "$2"
}
