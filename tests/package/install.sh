# The package in a fresh Debian of its own, from the first installation to the purge: part of ./dev, which
# sources it. What happens inside is inside.sh; the mail server stands outside, on loopback.

first_landing=617604396a73b19f111bebfb841938abad19a74a

# A package of an older program: that of the first landing, where git still knows it, else of this tree.
older_tree() {          # FOLDER
	mkdir -p "$1"
	if git -C "$top" cat-file -e "$first_landing^{commit}" 2>/dev/null; then
		git -C "$top" archive "$first_landing" | tar -x -f - -C "$1"
		cp -r "$top/debian" "$1"
		# Of the units there was only this one, and of the documents only README.md.
		sed -i '/vacd-lmtp.socket/d' "$1/debian/rules"
		sed -i '/SECURITY.md/d' "$1/debian/docs"
		older=first-landing
	else
		copy_tree "$top" "$1"
		older=same
	fi
	sed -i '1s/(.*)/(0.0.1)/' "$1/debian/changelog"
}

# The same package under a later number, with nothing changed in it.
newer_package() {       # DEB FOLDER
	dpkg-deb -R "$1" "$2/vacd"
	sed -i 's/^Version: .*/&+1/' "$2/vacd/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$2/vacd" "$2" >/dev/null
}

package_sink() {
	mkdir "$work/mail"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost -keyout "$work/mail/key.pem" -out "$work/mail/cert.pem" 2>/dev/null
	"$build/mail-sink" --dir "$work/mail" --cert "$work/mail/cert.pem" --key "$work/mail/key.pem" >"$work/sink.log" &
	started+=($!)
	for _ in $(seq 50); do
		port=$(sed -n 's/^listening on //p' "$work/sink.log")
		[ -z "$port" ] || return 0
		sleep 0.1
	done
	fail "the mail sink did not start"
}

make_root() {
	mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io --include=ca-certificates,openssl,postgresql,procps,util-linux bookworm "$root" \
		>"$work/mmdebstrap.log" 2>&1 || { tail -n 20 "$work/mmdebstrap.log" >&2; fail "mmdebstrap failed"; }
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	mkdir "$root/test"
	cp "$top/tests/package/inside.sh" "$work/mail/cert.pem" "$root/test/"
	mkdir "$root/test/older" "$root/test/this" "$root/test/newer" "$root/test/mail"
	cp "$work"/older/*.deb "$root/test/older/vacd.deb"
	cp "$work"/this/*.deb "$root/test/this/vacd.deb"
	cp "$work"/newer/*.deb "$root/test/newer/vacd.deb"
	mount --bind "$work/mail" "$root/test/mail"
	mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
}

test_package() {
	local root=$work/root older port
	[ "$(id -u)" -eq 0 ] || fail "a Debian in a folder of its own takes root"
	chmod 755 "$work"
	older_tree "$work/older/vacd"
	step "building the older package"
	build_package "$work/older/vacd"
	make_package "$top" "$work/this"
	mkdir "$work/newer"
	newer_package "$work"/this/vacd_*.deb "$work/newer"
	package_sink
	step "making a Debian"
	mkdir "$root"
	# Its mounts and its processes end with it.
	export -f make_root fail
	export work top root
	# shellcheck disable=SC2016 # expanded inside
	run_tap package unshare --mount --propagation private bash -euc '
		make_root >&2
		exec unshare --pid --ipc --uts --fork --kill-child --mount-proc="$root/proc" \
			chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			HOME=/root LANG=C.UTF-8 bash /test/inside.sh "$0" "$1"' "$port" "$older"
	[ "$failed" -eq 0 ] || cat "$work/tap.log"
	keep_figures "$work/tap.log"
}

keep_figures() { grep '^# ' "$1" || true; }
