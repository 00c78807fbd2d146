# Has a worker run on this Windows host from boot on, restarted when it ends. THIS SCRIPT HAS NEVER BEEN RUN ON WINDOWS.
#
# It registers a scheduled task and not a service: windlass is a console program that does not answer the Service Control
# Manager, so a service made with `sc.exe create` would be killed 30 seconds after its start (error 1053). The task runs
# as SYSTEM, because the Host Compute Service obeys administrators only.
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
    [string] $TaskName = 'windlass'
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

if (-not (Test-Path (Join-Path $Source 'windlass.exe'))) { throw "there is no windlass.exe in $Source" }
if (Get-ScheduledTask -TaskName $TaskName -ErrorAction SilentlyContinue) {
    throw "the task $TaskName is there already; run uninstall.ps1 first"
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
if ($LASTEXITCODE -ne 0) { throw "$config will not do" }

# The task scheduler keeps no output, so the shell appends it to a file.
$log = Join-Path $State 'worker.log'
$command = '"{0}" worker --driver hcs --config "{1}" --state-dir "{2}" >>"{3}" 2>&1' -f $program, $config, $State, $log
$action = New-ScheduledTaskAction -Execute (Join-Path $env:SystemRoot 'System32\cmd.exe') `
    -Argument "/d /s /c `"$command`"" -WorkingDirectory $State
# At boot, and every minute again: while it runs, the new instance is ignored. The scheduler's own restart counts only
# what it takes for a failure, which an exit code is not always.
$atBoot = New-ScheduledTaskTrigger -AtStartup
$everyMinute = New-ScheduledTaskTrigger -Once -At (Get-Date) -RepetitionInterval (New-TimeSpan -Minutes 1)
$principal = New-ScheduledTaskPrincipal -UserId 'S-1-5-18' -LogonType ServiceAccount -RunLevel Highest
$settings = New-ScheduledTaskSettingsSet -MultipleInstances IgnoreNew -ExecutionTimeLimit ([TimeSpan]::Zero) `
    -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) -StartWhenAvailable `
    -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -Priority 4
Register-ScheduledTask -TaskName $TaskName -Description 'Windlass container worker' -Action $action `
    -Trigger @($atBoot, $everyMinute) -Principal $principal -Settings $settings | Out-Null
Start-ScheduledTask -TaskName $TaskName
Write-Host "the task $TaskName runs $program; settings in $config, log in $log"
