#!/bin/bash
# What can go wrong on a mail server, done to the running rig in $RIG_DIR: Postfix and Dovecot, or the sandbox (sandbox.py),
# which has no hold, release, queue, kill and restart. USER is like u01@warm-a.test.
#
#   faults.sh junk SHARE FOLDER USER…      file SHARE of 256 letters to these users into FOLDER (85: a third; 0: none; 256: all)
#   faults.sh plant USER FOLDER ID <MAIL   put somebody else's message there; the auditor checks that nobody touched it
#   faults.sh deliver USER FOLDER <MAIL    put any bytes there, and forget it
#   faults.sh uidvalidity USER FOLDER [N]  change a folder's UIDVALIDITY
#   faults.sh create USER FOLDER           make a folder
#   faults.sh rename USER FOLDER NEW       rename a folder
#   faults.sh delete USER FOLDER           delete it with all that is in it
#   faults.sh expunge USER FOLDER QUERY…   expunge what a doveadm query finds, such as `all`
#   faults.sh kick USER                    drop the user's IMAP sessions, sleeping ones too
#   faults.sh password USER NEW            change the password
#   faults.sh quota USER SIZE              limit the mailbox, to 10K for example (1B: it is full)
#   faults.sh hold | release | queue       stop deliveries, let them go on, show the queue as JSON lines
#   faults.sh kill                         kill both servers at once, without a word
#   faults.sh restart                      stop and start both (users, passwords and limits are as at first)
#   faults.sh reset USER…                  empty the mailboxes of these users
#   faults.sh log-ends                     where the record of submissions and of deliveries end: what is before belongs to others
#
# The share is decided by the last two hex digits of the letter id in X-Preheat: a letter goes to FOLDER if they are below
# SHARE. So anybody who has the raw message can tell where it must have arrived. A message without X-Preheat stays in INBOX.
set -euo pipefail

RIG_DIR=${RIG_DIR:?set RIG_DIR to the state directory of a running rig}
DOVECOT=$RIG_DIR/dovecot
POSTFIX=$RIG_DIR/postfix
HERE=$(cd "$(dirname "$0")" && pwd)

if grep -qx RIG_KIND=sandbox "$RIG_DIR/rig.env"; then
  exec python3 "$HERE/sandbox.py" "$@"
fi

die() { echo "faults: $*" >&2; exit 1; }
admin() { doveadm -c "$DOVECOT/main.conf" "$@"; }
queue() { postsuper -c "$POSTFIX/etc" "$@" 2>/dev/null; }

known_user() { grep -q "^$1:" "$DOVECOT/users" || die "not a user of this rig: $1"; }

# Two hex digits below $1 (1 to 256), as a POSIX expression.
below() {
  local digits=0123456789abcdef high=$(($1 / 16)) low=$(($1 % 16)) either=
  [ $high = 0 ] || either="[${digits:0:high}][0-9a-f]"
  [ $low = 0 ] || either="${either:+$either|}${digits:high:1}[${digits:0:low}]"
  echo "($either)"
}

set_junk_share() {
  local share=$1 folder=$2 user rule
  shift 2
  [[ $share =~ ^[0-9]+$ ]] && [ "$share" -le 256 ] || die "a share is 0 to 256, not $share"
  mkdir -p "$RIG_DIR/junk"
  for user; do
    known_user "$user"
    rule=$DOVECOT/sieve/users/$user.sieve
    rm -f "$rule" "${rule%.sieve}.svbin" "$RIG_DIR/junk/$user"
    [ "$share" != 0 ] || continue
    cat >"$rule" <<END
require ["fileinto", "mailbox", "regex"];
if header :regex "X-Preheat" "^[A-Za-z0-9]+ *[.] *[0-9a-f]{22}$(below "$share")[.]" {
  fileinto :create "$folder";
}
END
    sievec -c "$DOVECOT/main.conf" "$rule"
    chmod 644 "$rule" "${rule%.sieve}.svbin"
    # In one piece: auditors of other mailboxes may be reading.
    echo "$share $folder" >"$RIG_DIR/junk-of-$user"
    mv "$RIG_DIR/junk-of-$user" "$RIG_DIR/junk/$user"
  done
}

# The message gets a header that says where it was put, and a line in a file that only the auditor reads.
plant() {
  local user=$1 folder=$2 id=$3
  known_user "$user"
  mkdir -p "$RIG_DIR/planted"
  { printf 'X-Rig-Planted: %s\r\n' "$id"; cat; } | admin save -u "$user" -m "$folder"
  printf '%s\t%s\n' "$id" "$folder" >>"$RIG_DIR/planted/$user"
}

# Changes one user's line in the passwd-file. Tests run side by side, so under a lock and in one step.
edit_user() {
  local user=$1 edit=$2
  known_user "$user"
  (
    flock 9
    sed "/^$user:/$edit" "$DOVECOT/users" >"$DOVECOT/users.new"
    chgrp dovecot "$DOVECOT/users.new"
    chmod 640 "$DOVECOT/users.new"
    mv "$DOVECOT/users.new" "$DOVECOT/users"
  ) 9>"$DOVECOT/users.lock"
  local view
  sleep 1.1 # Dovecot looks at the file once a second
  for view in main plain bare prefixed; do doveadm -c "$DOVECOT/$view.conf" auth cache flush >/dev/null 2>&1 || true; done
}

# Children first: an orphaned smtpd would keep the port, and new clients would hang on it.
kill_servers() {
  local master
  for master in $(cat "$POSTFIX/spool/pid/master.pid" "$DOVECOT"/*/master.pid 2>/dev/null); do
    # shellcheck disable=SC2046
    kill -9 $(ps -o pid= --ppid "$master") "$master" 2>/dev/null || true
  done
}

restart_servers() {
  local key value
  while IFS='=' read -r key value; do export "$key=$value"; done <"$RIG_DIR/rig.env"
  "$HERE/mailstack.sh" stop
  "$HERE/mailstack.sh" start
}

fault=${1:-help}
shift || true
case $fault in
  junk) set_junk_share "$@" ;;
  plant) plant "$@" ;;
  deliver) admin save -u "$1" -m "$2" ;;
  uidvalidity) admin mailbox update --uid-validity "${3:-$((RANDOM + 1))}" -u "$1" "$2" ;;
  create) admin mailbox create -s -u "$1" "$2" ;;
  rename) admin mailbox rename -u "$1" "$2" "$3" ;;
  delete) admin mailbox delete -s -u "$1" "$2" ;;
  expunge) admin expunge -u "$1" mailbox "$2" "${@:3}" ;;
  kick) for view in main plain bare prefixed; do doveadm -c "$DOVECOT/$view.conf" kick "$1" >/dev/null 2>&1 || true; done ;;
  password) edit_user "$1" "s/{PLAIN}[^:]*/{PLAIN}$2/" ;;
  quota) edit_user "$1" "s/::::::.*/::::::userdb_quota_rule=*:storage=$2/" ;;
  hold) queue -h ALL ;;
  release) queue -H ALL && postqueue -c "$POSTFIX/etc" -f ;;
  queue) postqueue -c "$POSTFIX/etc" -j ;;
  kill) kill_servers ;;
  restart) restart_servers ;;
  reset) "$HERE/mailstack.sh" reset "$@" ;;
  log-ends) for log in postfix dovecot-main; do stat -c %s "$RIG_DIR/log/$log.log" 2>/dev/null || echo 0; done ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 2 ;;
esac
