# Ends the worker that install.ps1 has set up and removes its task. THIS SCRIPT HAS NEVER BEEN RUN ON WINDOWS.
#
# The worker is asked to take no more containers and to end when its last one has, at the deadline at the latest. Ending
# the task alone would kill it at once. State, settings and log stay; -Purge removes them too.
#Requires -RunAsAdministrator
[CmdletBinding()]
param(
    [string] $Destination = (Join-Path $env:ProgramFiles 'windlass'),
    [string] $State = (Join-Path $env:ProgramData 'windlass'),
    [string] $TaskName = 'windlass',
    [string] $Worker = 'tcp://127.0.0.1:5770',
    [ValidateRange(1, 3600)] [int] $DeadlineSeconds = 60,
    [switch] $Purge
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$task = Get-ScheduledTask -TaskName $TaskName -ErrorAction SilentlyContinue
if ($task) {
    # Disabled first: an enabled one would be started again within a minute.
    Disable-ScheduledTask -TaskName $TaskName | Out-Null
    $program = Join-Path $Destination 'windlass.exe'
    if ($task.State -eq 'Running') {
        & $program drain --worker $Worker --stop --deadline "${DeadlineSeconds}s"
        if ($LASTEXITCODE -ne 0) { Write-Warning 'the worker did not take the drain; it will be killed' }
        $until = (Get-Date).AddSeconds($DeadlineSeconds + 30)
        while ((Get-Process -Name windlass -ErrorAction SilentlyContinue | Where-Object Path -eq $program) -and
            (Get-Date) -lt $until) { Start-Sleep -Milliseconds 500 }
    }
    Stop-ScheduledTask -TaskName $TaskName
    Unregister-ScheduledTask -TaskName $TaskName -Confirm:$false
}
if (Test-Path $Destination) { Remove-Item -Recurse -Force $Destination }
if ($Purge -and (Test-Path $State)) { Remove-Item -Recurse -Force $State }
Write-Host "the task $TaskName is gone"
