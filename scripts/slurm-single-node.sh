#!/usr/bin/env bash
# A Slurm of one node, this machine, to try jobs on: everything that it writes is in one folder.
#
#     sudo apt-get install slurm-wlm munge        # once; Debian and Ubuntu
#     scripts/slurm-single-node.sh start          # as the user who will submit jobs
#     scripts/slurm-single-node.sh status
#     scripts/slurm-single-node.sh stop           # ends all jobs, then the daemons
#
# Variables: SLURM_FOLDER (default .cache/slurm), SLURM_CPUS (default: as many as there are).
# For trying only: no accounting database, no cgroups, no GPUs.
set -euo pipefail

folder=$(realpath -m "${SLURM_FOLDER:-.cache/slurm}")
cpus=${SLURM_CPUS:-$(nproc)}
export SLURM_CONF="$folder/slurm.conf"
standard=/etc/slurm/slurm.conf # where every Slurm command looks for it unless SLURM_CONF says otherwise
PATH="$PATH:/usr/sbin:/sbin" # where Debian keeps daemons, off the path of ordinary users

fail() {
    echo "slurm-single-node: $*" >&2
    exit 1
}

# the id of a running daemon of ours, from its pid file; nothing if it does not run
running() {
    local id
    id=$(cat "$folder/$1.pid" 2>/dev/null) || return 0
    if [[ $(cat "/proc/$id/comm" 2>/dev/null) == "$1" ]]; then echo "$id"; fi
}

configuration() {
    local host user memory
    host=$(hostname -s)
    user=$(id -un)
    memory=$(awk '/^MemTotal:/ {print int($2 / 1024 * 0.9)}' /proc/meminfo) # MiB; the rest is for the system
    cat <<END
ClusterName=single
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
# no cgroups: processes are found by their parents, and not bound to processors
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE
END
}

start() {
    local tool
    for tool in munged slurmctld slurmd scontrol; do
        command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install slurm-wlm munge"
    done
    for tool in munged slurmctld slurmd; do
        [[ -z $(running "$tool") ]] || fail "$tool runs already: $0 stop"
    done
    ((${#folder} < 90)) || fail "the path $folder is too long for a socket: set SLURM_FOLDER to a shorter one"
    mkdir -p "$folder/state" "$folder/spool"
    chmod 755 "$folder" # munged wants its folder writable by its owner alone
    if [[ ! -s $folder/munge.key ]]; then
        (umask 077 && head -c 1024 /dev/urandom >"$folder/munge.key")
    fi
    configuration >"$SLURM_CONF"

    munged --socket="$folder/munge.socket" --key-file="$folder/munge.key" --pid-file="$folder/munged.pid" \
        --log-file="$folder/munged.log" --seed-file="$folder/munged.seed"
    slurmctld
    slurmd
    for _ in $(seq 30); do
        if [[ $(sinfo --noheader --format=%T 2>/dev/null) == idle ]]; then
            sinfo
            publish
            return
        fi
        sleep 1
    done
    fail "the node is not idle after 30 s; see slurmctld.log and slurmd.log in $folder"
}

# Snakemake's Slurm executor drops SLURM_CONF inside of jobs, so the configuration must be at its standard place.
publish() {
    if [[ ! -e $standard && -w ${standard%/*} ]]; then
        ln -sf "$SLURM_CONF" "$standard"
    fi
    if [[ ! $standard -ef $SLURM_CONF ]]; then
        echo "export SLURM_CONF=$SLURM_CONF"
        echo "For Snakemake also: sudo ln -s $SLURM_CONF $standard"
    fi
}

# Jobs first: a daemon that goes does not end what it has started.
stop() {
    local name id
    if [[ -n $(running slurmctld) ]]; then
        scancel --user="$(id -un)" 2>/dev/null || true
        for _ in $(seq 40); do
            [[ -n $(squeue --noheader 2>/dev/null) ]] || break
            sleep 1
        done
    fi
    for name in slurmd slurmctld munged; do
        id=$(running "$name")
        [[ -n $id ]] || continue
        kill "$id"
        for _ in $(seq 20); do
            [[ -n $(running "$name") ]] || break
            sleep 0.5
        done
        [[ -z $(running "$name") ]] || fail "$name (process $id) does not end"
    done
    if [[ $standard -ef $SLURM_CONF && -w ${standard%/*} ]]; then rm "$standard"; fi
}

status() {
    local name id
    for name in munged slurmctld slurmd; do
        id=$(running "$name")
        echo "$name: ${id:+process }${id:-not running}"
    done
    if [[ -n $(running slurmctld) ]]; then
        sinfo
        squeue
    fi
}

case "${1:-}" in
start | stop | status) "$1" ;;
*) fail "usage: $0 start|stop|status" ;;
esac
