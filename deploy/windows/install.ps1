# Installs a worker as a service of this Windows host. THIS SCRIPT HAS NEVER BEEN RUN ON WINDOWS.
#
# The service starts with the system, after the Host Compute Service, and is started again when it fails. It runs as
# SYSTEM, because the Host Compute Service obeys administrators only. Stopping it ends the worker and no container.
#
#   install.ps1 -Source C:\build\windlass          the folder with windlass.exe and the DLLs beside it
#
# Everyone who can connect to the worker's command socket can do what SYSTEM can. It listens on 127.0.0.1 unless the
# configuration says otherwise, and 127.0.0.1 is open to every user of this host.
#Requires -RunAsAdministrator
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Source,
    [string] $Destination = (Join-Path $env:ProgramFiles 'windlass'),
    [string] $State = (Join-Path $env:ProgramData 'windlass'),
    [string] $ServiceName = 'windlass'
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

if (-not (Test-Path (Join-Path $Source 'windlass.exe'))) { throw "there is no windlass.exe in $Source" }
if (Get-Service $ServiceName -ErrorAction SilentlyContinue) {
    throw "the service $ServiceName is there already; run uninstall.ps1 first"
}
if (-not (Get-Service vmcompute -ErrorAction SilentlyContinue)) {
    throw 'this host has no Host Compute Service; install the Containers feature and restart'
}

# Who may write into these folders decides what SYSTEM runs. ProgramData lets every user make files by default.
foreach ($folder in @($Destination, $State)) {
    New-Item -ItemType Directory -Force $folder | Out-Null
    # By their ids, because the names are translated: SYSTEM and Administrators.
    & icacls.exe $folder /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "the rights of $folder could not be set" }
}
Copy-Item (Join-Path $Source 'windlass.exe'), (Join-Path $Source '*.dll') $Destination -Force
$program = Join-Path $Destination 'windlass.exe'
$config = Join-Path $State 'windlass.yaml'
if (-not (Test-Path $config)) { Set-Content -Path $config -Encoding ascii -Value 'driver: hcs' }
& $program config check --config $config
if ($LASTEXITCODE -ne 0) { throw "$config is not valid" }

# The program finds out by itself that the Service Control Manager has started it. A service has no output of its own.
$log = Join-Path $State 'worker.log'
$command = '"{0}" worker --driver hcs --config "{1}" --state-dir "{2}" --log-file "{3}"' -f $program, $config, $State, $log
New-Service -Name $ServiceName -BinaryPathName $command -DisplayName 'Windlass container worker' `
    -Description 'Runs containers of this host for schedulers.' -StartupType Automatic -DependsOn vmcompute | Out-Null
# After a failure, an exit code other than 0 included: again in 5 seconds, then every minute; a good day makes it forget.
& sc.exe failure $ServiceName reset= 86400 actions= restart/5000/restart/60000/restart/60000 | Out-Null
if ($LASTEXITCODE -ne 0) { throw "the recovery of $ServiceName could not be set" }
& sc.exe failureflag $ServiceName 1 | Out-Null
if ($LASTEXITCODE -ne 0) { throw "the recovery of $ServiceName could not be set" }
Start-Service $ServiceName
Write-Host "the service $ServiceName runs $program; settings in $config, log in $log"
