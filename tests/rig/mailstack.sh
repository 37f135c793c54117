#!/bin/bash
# Real mail servers for the tests: one Postfix and four views of one Dovecot, on high ports of 127.0.0.1.
#
#   mailstack.sh install [PACKAGE…]  put the Debian packages there, and these (root; nothing is started or removed)
#   mailstack.sh missing [PACKAGE…]  say which of them are not there
#   mailstack.sh start               write the configuration into $RIG_DIR and start the servers
#   mailstack.sh stop                stop them; the state stays
#   mailstack.sh reset [USER…]       empty the mailboxes of these users, or of all of them and the queue
#   mailstack.sh free-base           print a port base at which nothing listens
#   mailstack.sh facts               print what a client needs to know, as KEY=VALUE lines ($RIG_DIR/rig.env)
#
# Everything lives in $RIG_DIR: /etc/postfix and /etc/dovecot are neither read nor written, systemd is not asked, and
# several rigs run side by side with a directory and a port base each. Must run as root: Postfix insists on it.
#
#   RIG_DIR        the state directory; a short path whose parents everybody may enter   (/tmp/preheat-rig)
#   RIG_PORT_BASE  the ports are this plus the usual ones; best below 29000, where the kernel takes no ports   (20000)
#   RIG_DOMAINS    the domains, of which each has the same users   (warm-a.test warm-b.test warm-c.test seeds.test and the odd ones)
#   RIG_USERS      users per domain: u01, u02, …   (380)
#   RIG_PASSWORD   everybody's password   (warm-secret-1); RIG_OWN_PASSWORDS=1: that and -u01, -u02, …
#
# What listens (base +):
#     25  SMTP from elsewhere, no sign-in           143  IMAP, STARTTLS offered (Dovecot trusts loopback without it)
#    587  submission, STARTTLS is demanded          993  IMAP inside TLS
#    465  submission inside TLS                    1143  IMAP without any TLS (for fault proxies)
#   1587  submission without any TLS               2143  IMAP without TLS, MOVE, UIDPLUS, SPECIAL-USE
#     24  LMTP                                     3143  IMAP without TLS, all folders below `INBOX.`, no SPECIAL-USE
#   2525  SMTP of a next hop that refuses everybody
#
# The odd domains have users like any other, who can sign in, look and send. What is odd is the mail to them:
#   away.test   its users are away: a Sieve `vacation` answers each sender once a day, letters too. (It takes their
#               X-Auto-Response-Suppress off first: Pigeonhole would heed it, others, such as Gmail, do not.)
#   full.test   its mailboxes are full: mail is taken over, and comes back with 552 5.2.2. `faults.sh quota USER 1G` makes room,
#               and 1B fills it again
#   grey.test   greylisting: the first try of each sender to each user gets 450 4.2.0 at RCPT, every later one is taken, and reports
#               and vacation answers, which have no sender
#   late.test   mail is taken over and goes to a next hop, which refuses it: it comes back with 550 5.1.1
#
# Recipients that begin with reject- full- grey- policy- rate- get 550, 452, 450, 554, 421 at RCPT. A recipient that does
# not exist (nobody@…) is taken and bounced. x@slow.test stays in the queue and bounces after a minute.
# Postfix logs the X-Preheat and Date headers of every message that it takes: the auditor reads them there.
set -euo pipefail

RIG_DIR=${RIG_DIR:-/tmp/preheat-rig}
RIG_PORT_BASE=${RIG_PORT_BASE:-20000}
RIG_DOMAINS=${RIG_DOMAINS:-warm-a.test warm-b.test warm-c.test seeds.test away.test full.test grey.test late.test}
RIG_USERS=${RIG_USERS:-380}
RIG_PASSWORD=${RIG_PASSWORD:-warm-secret-1}
RIG_OWN_PASSWORDS=${RIG_OWN_PASSWORDS:-}

DOVECOT=$RIG_DIR/dovecot
POSTFIX=$RIG_DIR/postfix
TLS=$RIG_DIR/tls
VIEWS="main plain bare prefixed"
MAIL_USER=mail # a user that every Debian has: nothing is added to /etc/passwd
PACKAGES="postfix dovecot-imapd dovecot-lmtpd dovecot-sieve openssl procps tzdata"

port() { echo $((RIG_PORT_BASE + $1)); }
die() { echo "mailstack: $*" >&2; exit 1; }

# ---------------------------------------------------------------------------------------------------- packages

# Those of the packages, and of the ones named beside them, that are not installed.
missing_packages() {
  local package
  for package in $PACKAGES "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
  done
}

install_packages() {
  local missing guard=/usr/sbin/policy-rc.d made_guard=
  missing=$(missing_packages "$@" | tr '\n' ' ')
  [ -n "${missing// /}" ] || return 0
  command -v apt-get >/dev/null || die "these Debian packages are missing, and there is no apt-get: $missing"
  [ "$(id -u)" = 0 ] || die "these Debian packages are missing, and only root can install them: $missing"
  echo "mailstack: installing $missing"
  export DEBIAN_FRONTEND=noninteractive
  # Without the guard the packages would start servers of their own on the real ports.
  if [ ! -e $guard ]; then
    printf '#!/bin/sh\nexit 101\n' >$guard
    chmod 755 $guard
    made_guard=yes
  fi
  echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
  local status=0
  # --no-remove: a machine that has another mail server keeps it, and the person is told.
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-remove --no-install-recommends $missing >/tmp/mailstack-apt.$$ 2>&1 ||
    { apt-get update -qq && apt-get install -y -qq --no-remove --no-install-recommends $missing; } >/tmp/mailstack-apt.$$ 2>&1 ||
    status=$?
  [ -z "$made_guard" ] || rm -f $guard
  if [ $status != 0 ]; then
    tail -20 /tmp/mailstack-apt.$$ >&2
    rm -f /tmp/mailstack-apt.$$
    die "apt-get could not install: $missing"
  fi
  rm -f /tmp/mailstack-apt.$$
}

# ------------------------------------------------------------------------------------------------ configuration

check_state_dir() {
  [ "$(id -u)" = 0 ] || die "Postfix has to be started by root"
  case $RIG_DIR in
    /*) ;;
    *) die "RIG_DIR must be an absolute path: $RIG_DIR" ;;
  esac
  case $(realpath -m "$RIG_DIR")/ in
    // | /etc/* | /var/* | /usr/* | /home/ | /root/ | /tmp/) die "RIG_DIR must be a directory of its own: $RIG_DIR" ;;
  esac
  # A socket's path has 107 characters at most, and the longest of ours adds 38.
  [ ${#RIG_DIR} -le 60 ] || die "RIG_DIR is too long for socket paths (60 characters at most): $RIG_DIR"
  [ $((RIG_PORT_BASE + 3143)) -le 65535 ] && [ "$RIG_PORT_BASE" -ge 1024 ] || die "RIG_PORT_BASE must be 1024 to 62392"
  mkdir -p "$RIG_DIR"
  chmod 755 "$RIG_DIR"
  local dir=$RIG_DIR
  while [ "$dir" != / ]; do # the servers' own users walk this path
    dir=$(dirname "$dir")
    [ "$(stat -c %A "$dir" | tail -c 2)" != - ] || die "everybody must be able to enter $dir (chmod o+x), or choose another RIG_DIR"
  done
}

make_directories() {
  mkdir -p "$TLS" "$DOVECOT/sieve/users" "$RIG_DIR/mail" "$RIG_DIR/grey" "$RIG_DIR/log" "$POSTFIX/etc" "$POSTFIX/spool" "$POSTFIX/data"
  chown $MAIL_USER: "$RIG_DIR/mail" "$RIG_DIR/grey"
  chown postfix "$POSTFIX/data"
}

# A CA and a certificate that it signed, for `localhost` and nothing else: to a client that asks for 127.0.0.1 it is a stranger's.
make_certificates() {
  [ -s "$TLS/postfix.pem" ] && return
  (
    cd "$TLS"
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=preheat rig CA" -keyout ca.key -out ca.crt
    openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout server.key -out server.csr
    printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n' >server.ext
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile server.ext -out server.crt
    cat server.crt ca.crt >chain.crt
    cat server.key chain.crt >postfix.pem
    chmod 600 ./*.key postfix.pem
    chmod 644 ca.crt chain.crt
  ) 2>"$RIG_DIR/log/openssl.log" || die "openssl failed: $(tail -3 "$RIG_DIR/log/openssl.log")"
}

user_numbers() { seq -f %02g 1 "$RIG_USERS"; }

make_users() {
  local domain n extra
  for domain in $RIG_DOMAINS; do
    extra=''
    [ "$domain" != full.test ] || extra='userdb_quota_rule=*:storage=1B'
    for n in $(user_numbers); do
      echo "u$n@$domain:{PLAIN}$RIG_PASSWORD${RIG_OWN_PASSWORDS:+-u$n}::::::$extra"
    done
  done >"$DOVECOT/users"
  chgrp dovecot "$DOVECOT/users"
  chmod 640 "$DOVECOT/users"
}

# What a user's mail goes through who has no rule of their own: the vacation of away.test. The other domains have no such file.
make_vacation() {
  cat >"$DOVECOT/sieve/away.test.sieve" <<'END'
require ["editheader", "vacation"];
deleteheader "X-Auto-Response-Suppress";
vacation :days 1 :subject "Away until Monday" "I am away until Monday. I will write back then.";
END
  sievec -c "$DOVECOT/main.conf" "$DOVECOT/sieve/away.test.sieve"
  chmod 644 "$DOVECOT"/sieve/away.test.*
}

# What every view of Dovecot shares: the users, where their mail lies, how it is quartered. The views differ in how they listen.
dovecot_common() {
  local view=$1
  cat <<END
base_dir = $DOVECOT/$view
state_dir = $DOVECOT/$view
instance_name = preheat-rig-$RIG_PORT_BASE-$view
log_path = $RIG_DIR/log/dovecot-$view.log
listen = 127.0.0.1
ssl_cert = <$TLS/chain.crt
ssl_key = <$TLS/server.key
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:~/Maildir
mail_plugins = quota
first_valid_uid = 1
mail_max_userip_connections = 1000
default_process_limit = 500
default_client_limit = 4000
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u $DOVECOT/users
}
userdb {
  driver = passwd-file
  args = username_format=%u $DOVECOT/users
  default_fields = uid=$MAIL_USER gid=$MAIL_USER home=$RIG_DIR/mail/%d/%n
}
plugin {
  sieve = file:$DOVECOT/sieve/users/%u.sieve
  sieve_default = $DOVECOT/sieve/%d.sieve
  sieve_extensions = +editheader
  quota = maildir:User quota
  quota_rule = *:storage=1G
}
protocol imap {
  mail_plugins = quota imap_quota
}
service imap {
  process_limit = 1024
  service_count = 100
}
# After a failed sign-in the penalty would slow down everybody on 127.0.0.1.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
END
}

dovecot_folders() {
  local folder
  for folder in Sent Junk Trash Drafts Archive; do
    printf '  mailbox %s {\n    special_use = \\%s\n    auto = subscribe\n  }\n' $folder $folder
  done
}

# The view that delivers, and that clients with TLS use.
dovecot_main() {
  dovecot_common main
  cat <<END
protocols = imap lmtp
submission_host = 127.0.0.1:$(port 25)
ssl = yes
disable_plaintext_auth = yes
protocol lmtp {
  mail_plugins = quota sieve
  postmaster_address = postmaster@warm-a.test
}
service imap-login {
  service_count = 0
  inet_listener imap {
    port = $(port 143)
  }
  inet_listener imaps {
    port = $(port 993)
    ssl = yes
  }
}
service lmtp {
  process_min_avail = 2
  unix_listener $POSTFIX/spool/private/dovecot-lmtp {
    mode = 0600
    user = postfix
  }
  inet_listener lmtp {
    port = $(port 24)
  }
}
service auth {
  unix_listener $POSTFIX/spool/private/auth {
    mode = 0660
    user = postfix
  }
}
namespace inbox {
  inbox = yes
  separator = /
$(dovecot_folders)
}
END
}

# A view on one port without TLS: $1 its name, $2 its port, then the lines that make it what it is.
dovecot_without_tls() {
  dovecot_common "$1"
  cat <<END
protocols = imap
ssl = no
disable_plaintext_auth = no
service imap-login {
  service_count = 0
  inet_listener imap {
    port = $2
  }
  inet_listener imaps {
    port = 0
  }
}
$3
END
}

dovecot_plain() {
  dovecot_without_tls plain "$(port 1143)" "namespace inbox {
  inbox = yes
  separator = /
$(dovecot_folders)
}"
}

# A poor server: what it does not name, a client must not use.
dovecot_bare() {
  dovecot_without_tls bare "$(port 2143)" "imap_capability = IMAP4rev1 LITERAL+ IDLE NAMESPACE
namespace inbox {
  inbox = yes
  separator = /
}"
}

dovecot_prefixed() {
  dovecot_without_tls prefixed "$(port 3143)" "imap_capability = IMAP4rev1 LITERAL+ SASL-IR IDLE NAMESPACE UIDPLUS MOVE CHILDREN UNSELECT
namespace inbox {
  inbox = yes
  prefix = INBOX.
  separator = .
}"
}

postfix_main() {
  local domains
  domains=$(echo "$RIG_DOMAINS" | tr -s ' ' ',')
  cat <<END
compatibility_level = 3.6
queue_directory = $POSTFIX/spool
data_directory = $POSTFIX/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
sendmail_path = /usr/sbin/sendmail
mail_owner = postfix
setgid_group = postdrop
maillog_file = $RIG_DIR/log/postfix.log
maillog_file_prefixes = $RIG_DIR/log
syslog_name = rig
enable_long_queue_ids = yes
myhostname = mail.warm-a.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
biff = no
disable_dns_lookups = yes
smtp_host_lookup = native
default_transport = error:5.1.2 rig: no route off this machine
virtual_mailbox_domains = $domains, slow.test
virtual_transport = lmtp:unix:private/dovecot-lmtp
transport_maps = inline:{ {slow.test = lmtp:inet:127.0.0.1:9}, {late.test = smtp:[127.0.0.1]:$(port 2525)} }
lmtp_destination_recipient_limit = 1
queue_run_delay = 5s
minimal_backoff_time = 5s
maximal_backoff_time = 20s
maximal_queue_lifetime = 60s
bounce_queue_lifetime = 60s
smtpd_tls_chain_files = $TLS/postfix.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_peername_lookup = no
default_process_limit = 200
smtpd_restriction_classes = greylisting, next_hop
greylisting = check_policy_service unix:private/greylist
next_hop = check_recipient_access regexp:$POSTFIX/etc/next_hop, reject
smtpd_relay_restrictions = permit_sasl_authenticated, permit_auth_destination, reject
smtpd_recipient_restrictions = check_recipient_access regexp:$POSTFIX/etc/rcpt, permit_sasl_authenticated, permit_auth_destination, reject
header_checks = regexp:$POSTFIX/etc/header_checks
mime_header_checks =
nested_header_checks =
END
}

postfix_tables() {
  printf '/^%s-/ %s\n' \
    reject '550 5.1.1 rig: mailbox unavailable' \
    full '452 4.2.2 rig: mailbox full' \
    grey '450 4.2.0 rig: greylisted, try again' \
    policy '554 5.7.1 rig: blocked by policy' \
    rate '421 4.7.28 rig: unusual rate of mail' >"$POSTFIX/etc/rcpt"
  echo '/@grey\.test$/ greylisting' >>"$POSTFIX/etc/rcpt"
  echo '/^/ 550 5.1.1 rig: no such user here' >"$POSTFIX/etc/next_hop"
  echo '/^(.*)$/ $1' >"$POSTFIX/etc/senders" # everybody may send as themselves, and as nobody else
  echo '/^(X-Preheat|Date):/ INFO' >"$POSTFIX/etc/header_checks"
}

# A policy service of Postfix (SMTPD_POLICY_README): whoever was not seen before, with this recipient, is put off. Mail without a
# sender is not: Pigeonhole hands its answers over once, and nobody would try again.
greylist_policy() {
  cat <<END
#!/bin/bash
while IFS='=' read -r key value; do
  case \$key in
    sender) sender=\${value//\//_} ;;
    recipient) recipient=\${value//\//_} ;;
    '')
      if [ -n "\$sender" ] && mkdir -p "$RIG_DIR/grey/\$recipient" && mkdir "$RIG_DIR/grey/\$recipient/<\$sender>" 2>/dev/null; then
        printf 'action=450 4.2.0 rig: greylisted, please try again later\n\n'
      else
        printf 'action=DUNNO\n\n'
      fi
      ;;
  esac
done
END
}

postfix_master() {
  local signed_in="-o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject \
-o smtpd_sender_login_maps=regexp:$POSTFIX/etc/senders -o smtpd_sender_restrictions=reject_sender_login_mismatch"
  cat <<END
127.0.0.1:$(port 25)   inet n - n - - smtpd
127.0.0.1:$(port 587)  inet n - n - - smtpd -o smtpd_tls_security_level=encrypt $signed_in
127.0.0.1:$(port 465)  inet n - n - - smtpd -o smtpd_tls_wrappermode=yes $signed_in
127.0.0.1:$(port 1587) inet n - n - - smtpd -o smtpd_tls_security_level=none -o smtpd_tls_auth_only=no $signed_in
127.0.0.1:$(port 2525) inet n - n - - smtpd -o myhostname=next-hop.late.test -o smtpd_recipient_restrictions=next_hop
greylist  unix - n n -     0 spawn user=$MAIL_USER argv=$POSTFIX/etc/greylist
pickup    unix n - n 60    1 pickup
cleanup   unix n - n -     0 cleanup
qmgr      unix n - n 300   1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n -     - trivial-rewrite
bounce    unix - - n -     0 bounce
defer     unix - - n -     0 bounce
trace     unix - - n -     0 bounce
flush     unix n - n 1000? 0 flush
proxymap  unix - - n -     - proxymap
showq     unix n - n -     - showq
error     unix - - n -     - error
retry     unix - - n -     - error
smtp      unix - - n -     - smtp
lmtp      unix - - n -     - lmtp
anvil     unix - - n -     1 anvil
scache    unix - - n -     1 scache
postlog   unix-dgram n - n - 1 postlogd
END
}

write_facts() {
  cat >"$RIG_DIR/rig.env" <<END
RIG_KIND=postfix-dovecot
RIG_DIR=$RIG_DIR
RIG_HOST=localhost
RIG_PORT_BASE=$RIG_PORT_BASE
RIG_CA=$TLS/ca.crt
RIG_DOMAINS=$RIG_DOMAINS
RIG_USERS=$RIG_USERS
RIG_PASSWORD=$RIG_PASSWORD
RIG_OWN_PASSWORDS=$RIG_OWN_PASSWORDS
RIG_MAIL=$RIG_DIR/mail
RIG_POSTFIX_LOG=$RIG_DIR/log/postfix.log
RIG_DELIVERY_LOG=$RIG_DIR/log/dovecot-main.log
END
}

configure() {
  local view
  check_state_dir
  make_directories
  make_certificates
  make_users
  for view in $VIEWS; do "dovecot_$view" >"$DOVECOT/$view.conf"; done
  make_vacation
  greylist_policy >"$POSTFIX/etc/greylist"
  chmod 755 "$POSTFIX/etc/greylist"
  postfix_main >"$POSTFIX/etc/main.cf"
  postfix_master >"$POSTFIX/etc/master.cf"
  postfix_tables
  write_facts
}

# ---------------------------------------------------------------------------------------------------- the servers

wait_for_port() {
  for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
    sleep 0.05
  done
  tail -5 "$RIG_DIR"/log/*.log >&2 || true
  die "nothing listens on port $1"
}

refuse_taken_ports() {
  local offset
  for offset in 24 25 143 465 587 993 1143 1587 2143 2525 3143; do
    ! (exec 3<>"/dev/tcp/127.0.0.1/$(port $offset)") 2>/dev/null ||
      die "port $(port $offset) is taken: stop the other rig, or choose another RIG_PORT_BASE"
  done
}

start_servers() {
  local view offset missing
  missing=$(missing_packages | tr '\n' ' ')
  [ -z "${missing// /}" ] || die "these Debian packages are missing (mailstack.sh install puts them there): $missing"
  refuse_taken_ports
  configure
  postfix -c "$POSTFIX/etc" check # makes spool/private, where Dovecot puts its sockets
  for view in $VIEWS; do
    rm -rf "${DOVECOT:?}/$view" # a stale socket makes the first sign-in wait for 5 s
    mkdir "$DOVECOT/$view"
    # A daemon that kept our stdout would hang any pipe around this script.
    dovecot -c "$DOVECOT/$view.conf" </dev/null >>"$RIG_DIR/log/start.log" 2>&1 || die "dovecot: $(tail -3 "$RIG_DIR/log/start.log")"
  done
  postfix -c "$POSTFIX/etc" start </dev/null >>"$RIG_DIR/log/start.log" 2>&1 || die "postfix: $(tail -3 "$RIG_DIR/log/start.log")"
  for offset in 24 25 143 465 587 993 1143 1587 2143 2525 3143; do wait_for_port "$(port $offset)"; done
}

children_of() { ps -o pid= --ppid "$(echo "$@" | tr ' ' ,)" || true; }

# Dovecot's master takes up to 3 s to leave by itself, even when idle: after half a second it is helped. Its children are
# looked up before as well as after, in case a master leaves before them.
stop_dovecot() {
  local masters children
  masters=$(cat "$DOVECOT"/*/master.pid 2>/dev/null) || true
  [ -n "$masters" ] || return 0
  # shellcheck disable=SC2086
  children=$(children_of $masters)
  # shellcheck disable=SC2086
  kill $masters 2>/dev/null || true
  sleep 0.5
  # shellcheck disable=SC2086
  kill -9 $children $(children_of $masters) $masters 2>/dev/null || true
  rm -f "$DOVECOT"/*/master.pid # the number may be somebody else's tomorrow
}

stop_servers() {
  [ -d "$POSTFIX/etc" ] || return 0
  postfix -c "$POSTFIX/etc" abort </dev/null >/dev/null 2>&1 || true
  stop_dovecot
}

# Drops the IMAP sessions of users named on standard input, one a line: a server process must not write an index back.
drop_sessions() {
  local view user wanted
  wanted=$(cat)
  for view in $VIEWS; do
    for user in $(doveadm -c "$DOVECOT/$view.conf" who -1 2>/dev/null | awk '{ print $1 }' | sort -u); do
      grep -qxF "$user" <<<"$wanted" && doveadm -c "$DOVECOT/$view.conf" kick "$user" >/dev/null 2>&1 || true
    done
  done
}

reset_mail() {
  local user
  if [ $# = 0 ]; then
    postsuper -c "$POSTFIX/etc" -d ALL >/dev/null 2>&1 || true
    cut -d: -f1 "$DOVECOT/users" | drop_sessions
    rm -rf "$RIG_DIR"/mail/* "$DOVECOT"/sieve/users/* "$RIG_DIR"/planted/* "$RIG_DIR"/junk/* "$RIG_DIR"/grey/*
    return
  fi
  for user; do
    case $user in u*@*.test) ;; *) die "not a user of the rig: $user" ;; esac
  done
  printf '%s\n' "$@" | drop_sessions
  for user; do
    rm -rf "$RIG_DIR/mail/${user#*@}/${user%@*}" "$DOVECOT/sieve/users/$user".* "$RIG_DIR/planted/$user" "$RIG_DIR/junk/$user" "$RIG_DIR/grey/$user"
  done
}

# A port base at which nothing listens, below the ports that the kernel hands out.
free_base() {
  local base
  for base in $(shuf -i 10000-29000 -n 50); do
    RIG_PORT_BASE=$base
    if (refuse_taken_ports) 2>/dev/null; then
      echo "$base"
      return
    fi
  done
  die "no free ports between 10000 and 32143"
}

action=${1:-help}
shift || true
case $action in
  install) install_packages "$@" ;;
  missing) missing_packages "$@" ;;
  start) start_servers && echo "rig: ports from $RIG_PORT_BASE, state in $RIG_DIR" ;;
  stop) stop_servers ;;
  reset) reset_mail "$@" ;;
  free-base) free_base ;;
  facts) cat "$RIG_DIR/rig.env" ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 2 ;;
esac
