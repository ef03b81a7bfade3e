#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Run by tests/tools/real-cas.sh in a chroot of Debian 11: a CA of Dogtag's, as
# pkispawn makes it, whose responder is http://localhost:18080/ca/ocsp.  Leaves
# site.crt and ca.crt in /mnt/dogtag.  It has a process namespace of its own.
set -eux

# A half-made one of an earlier run.
rm -rf /etc/dirsrv/slapd-pki /var/lib/dirsrv/slapd-pki /var/log/dirsrv/slapd-pki \
    /run/dirsrv /run/lock/dirsrv /dev/shm/slapd-pki \
    /var/lib/pki/pki-tomcat /var/log/pki/pki-tomcat /etc/pki/pki-tomcat \
    /etc/dogtag/tomcat/pki-tomcat /etc/default/pki-tomcat /root/.dogtag
mkdir -p /mnt/dogtag
cd /mnt/dogtag

# There is no systemd in a chroot: starts and stops what the installers ask for,
# as their units do.
cat >/usr/local/bin/systemctl <<'END'
#!/bin/sh
# Of this namespace alone.
ends() {
	while pkill "$1"; do sleep 1; done
}
verb= unit=
for w in "$@"; do
	case $w in
	-*) ;;
	start | stop | restart | is-active) verb=$w ;;
	*) unit=${w%.service} ;;
	esac
done
case $verb:$unit in
start:dirsrv@pki)
	mkdir -p /run/dirsrv /run/lock/dirsrv/slapd-pki
	chown -R dirsrv:dirsrv /run/dirsrv /run/lock/dirsrv
	ns-slapd -D /etc/dirsrv/slapd-pki -i /run/dirsrv/slapd-pki.pid
	# it goes to the background before it listens
	for n in 1 2 3 4 5 6 7 8 9 10; do
		sleep 1
		python3 -c 'import socket
socket.create_connection(("127.0.0.1", 3389))' 2>/dev/null && break
	done
	;;
stop:dirsrv@pki) ends ns-slapd ;;
is-active:dirsrv@pki) pgrep ns-slapd ;;
restart:*)
	"$0" stop "$unit"
	"$0" start "$unit"
	;;
start:pki-tomcatd@*)
	i=${unit#pki-tomcatd@}
	mkdir -p /run/pki/tomcat
	chown pkiuser:pkiuser /run/pki /run/pki/tomcat
	# shellcheck disable=SC2016
	setsid runuser -u pkiuser -- sh -c '
	set -a
	. /usr/share/pki/etc/tomcat.conf
	CATALINA_HOME=/usr/share/tomcat9
	NAME=$1
	. "/etc/default/$1"
	. /usr/share/pki/etc/pki.conf
	. /etc/pki/pki.conf
	pki-server upgrade "$1"
	pki-server migrate "$1" --tomcat 9.0.00
	pkidaemon start "$1"
	exec sh /usr/share/pki/tomcat-start.sh' - "$i" \
	    >>/var/log/pki-tomcat-start.log 2>&1 </dev/null &
	;;
stop:pki-tomcatd@*) ends java ;;
is-active:pki-tomcatd@*) pgrep java ;;
esac
END
printf '#!/bin/sh\necho localdomain\n' >/usr/local/bin/dnsdomainname
chmod 755 /usr/local/bin/systemctl /usr/local/bin/dnsdomainname

cat >ds.inf <<'END'
[general]
systemd=False
selinux=False
start=False
strict_host_checking=False
full_machine_name=localhost.localdomain
[slapd]
instance_name=pki
port=3389
secure_port=3636
self_sign_cert=False
root_password=Secret.123
[backend-userroot]
suffix=dc=example,dc=com
create_suffix_entry=True
END
dscreate from-file ds.inf
systemctl is-active dirsrv@pki || systemctl start dirsrv@pki

cat >ca.cfg <<'END'
[DEFAULT]
pki_hostname=localhost
pki_security_domain_hostname=localhost
pki_https_port=18443
pki_http_port=18080
pki_security_manager=False
[CA]
pki_ds_hostname=localhost
pki_ds_ldap_port=3389
pki_ds_base_dn=dc=ca,dc=pki,dc=example,dc=com
pki_ds_password=Secret.123
pki_admin_uid=caadmin
pki_admin_password=Secret.123
pki_backup_password=Secret.123
pki_client_database_password=Secret.123
pki_client_pkcs12_password=Secret.123
pki_security_domain_password=Secret.123
END
pkispawn -f ca.cfg -s CA

# Of what it has issued, the certificate of its own TLS server.
nss=/var/lib/pki/pki-tomcat/alias
certutil -L -d "$nss" -a -n "Server-Cert cert-pki-tomcat" >site.crt
certutil -L -d "$nss" -a -n "caSigningCert cert-pki-tomcat CA" >ca.crt
